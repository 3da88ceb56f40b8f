-m length --length 28:40 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 len 41
-m length ! --length :28 ; -m length ! --length 0:28 ; OK
- udp 10.0.0.2 > 10.0.0.1
-m length --length 4:3 ; ; FAIL
family ipv6
-m length --length 48 ; = ; OK
+ udp ::1 > ::2
