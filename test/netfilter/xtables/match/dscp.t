-m dscp --dscp-class ef ; -m dscp --dscp 0x2e ; OK
+ udp 10.0.0.2 > 10.0.0.1 tos 0xb9
- udp 10.0.0.2 > 10.0.0.1
-m dscp ! --dscp 0 ; -m dscp ! --dscp 0x00 ; OK
- udp 10.0.0.2 > 10.0.0.1 tos 3
-m dscp --dscp 64 ; ; FAIL
-m dscp --dscp-class xx ; ; FAIL
-m dscp ; ; FAIL
family ipv6
-m dscp --dscp 0x01 ; = ; OK
+ udp ::1 > ::2 tos 4
