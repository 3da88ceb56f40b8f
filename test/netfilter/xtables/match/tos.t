-m tos --tos 0x10/0x3f ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 tos 0x50
- udp 10.0.0.2 > 10.0.0.1 tos 0x18
-m tos ! --tos min ; ; FAIL
-m tos ! --tos Minimize-Cost ; -m tos ! --tos 0x02/0x3f ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m tos --tos 5/ ; ; FAIL
