-p tcp -m tcp --dport 80 ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:80 syn
- tcp 10.0.0.2:80 > 10.0.0.1:5 syn
- tcp 10.0.0.2 > 10.0.0.1 frag 16 hex 0000000000000000
x tcp 10.0.0.2 > 10.0.0.1 frag 8 hex 0000000000000000
-p tcp -m tcp ! --sport 1:1023 --dport 80: ; -p tcp -m tcp ! --sport 1:1023 --dport 80:65535 ; OK
+ tcp 10.0.0.2:1024 > 10.0.0.1:80
- tcp 10.0.0.2:1023 > 10.0.0.1:80
- tcp 10.0.0.2 > 10.0.0.1 frag 800 hex ffffffff
-p tcp -m tcp ! --sport : ; -p tcp -m tcp ! --sport 0:65535 ; OK
- tcp 10.0.0.2:1024 > 10.0.0.1:80
-p tcp -m tcp ; = ; OK
+ tcp 10.0.0.2:1024 > 10.0.0.1:80
- tcp 10.0.0.2 > 10.0.0.1 frag 800 hex ffffffff
-p tcp --syn --dport ssh ; -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN ; OK
+ tcp 10.0.0.2:1024 > 10.0.0.1:22 syn
+ tcp 10.0.0.2:1024 > 10.0.0.1:22 syn psh
- tcp 10.0.0.2:1024 > 10.0.0.1:22 syn ack
-p tcp -m tcp --tcp-flags ALL NONE ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE ; OK
+ tcp 10.0.0.2:1024 > 10.0.0.1:22
+ tcp 10.0.0.2:1024 > 10.0.0.1:22 ece
- tcp 10.0.0.2:1024 > 10.0.0.1:22 fin
-p tcp -m tcp --tcp-option 2 ; = ; OK
+ tcp 10.0.0.2:1024 > 10.0.0.1:22 syn mss 1400
- tcp 10.0.0.2:1024 > 10.0.0.1:22 syn
-p tcp -m tcp ! --tcp-option 2 ; = ; OK
- tcp 10.0.0.2:1024 > 10.0.0.1:22 syn mss 1400
-p tcp -m tcp --tcp-flags FOO SYN ; ; FAIL
-p tcp -m tcp --tcp-option 0 ; ; FAIL
-p tcp -m tcp --syn --tcp-flags ALL SYN ; ; FAIL
-p tcp -m tcp --dport 4:3 ; ; FAIL
-p tcp -m tcp --dport 65536 ; ; FAIL
-m tcp --dport 5 ; ; FAIL
-p tcp -m tcp --dport 80 ; = ; OK
x tcp 10.0.0.2 > 10.0.0.1 raw hex 00500050
