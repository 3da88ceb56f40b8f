family ipv6
-m eui64 ; = ; OK
+ udp fe80::300:ff:fe00:5 > ff02::1 ; mac 01:00:00:00:00:05
- udp fe80::300:ff:fe00:6 > ff02::1 ; mac 01:00:00:00:00:05
:OUTPUT
-m eui64 ; ; FAIL
