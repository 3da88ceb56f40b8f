-m statistic --mode nth --every 3 --packet 1 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1
+ udp 10.0.0.2 > 10.0.0.1
-m statistic --mode nth ! --every 2 --packet 0 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
+ udp 10.0.0.2 > 10.0.0.1
-m statistic --mode random --probability 0.5 ; -m statistic --mode random --probability 0.50000000000 ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m statistic --mode random --probability 0.20000000019 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m statistic --mode nth --every 3 --packet 3 ; ; FAIL
-m statistic --mode nth --every 3 ; ; FAIL
-m statistic --mode random --probability 1.5 ; ; FAIL
-m statistic --mode random ; ; FAIL
