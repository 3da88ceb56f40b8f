-m mac --mac-source 1:2:3:4:5:6 ; -m mac --mac-source 01:02:03:04:05:06 ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; mac 01:02:03:04:05:06
- udp 10.0.0.2 > 10.0.0.1 ; mac 01:02:03:04:05:07
-m mac ! --mac-source 01:02:03:04:05:06 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; in lo
-m mac --mac-source 1:2:3:4:5 ; ; FAIL
:OUTPUT
-m mac --mac-source 01:02:03:04:05:06 ; ; FAIL
