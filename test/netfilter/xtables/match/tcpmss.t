-p tcp -m tcpmss --mss 1300:1400 ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81 syn mss 1400
- tcp 10.0.0.2:5 > 10.0.0.1:81 syn mss 1401
- tcp 10.0.0.2:5 > 10.0.0.1:81 syn
-p tcp -m tcpmss ! --mss 5 ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81 syn
-p tcp -m tcpmss --mss 9:5 ; ; FAIL
-m tcpmss --mss 5 ; ; FAIL
