-m devgroup --src-group 0x0/0xf ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m devgroup ! --src-group default ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m devgroup --dst-group 5 ; ; FAIL
:FORWARD
-m devgroup --dst-group 5 ; -m devgroup --dst-group 0x5 ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; out eth1
- udp 10.0.0.2 > 10.0.0.1
