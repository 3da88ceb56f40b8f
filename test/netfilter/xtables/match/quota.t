-m quota --quota 60 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1
-m quota ! --quota 30 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 len 31
+ udp 10.0.0.2 > 10.0.0.1
-m quota --quota 18446744073709551616 ; ; FAIL
