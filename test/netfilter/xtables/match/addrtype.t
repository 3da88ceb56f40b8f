-m addrtype --dst-type LOCAL ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.3
-m addrtype --src-type uni --dst-type MULTICAST,BROADCAST ; -m addrtype --src-type UNICAST --dst-type BROADCAST,MULTICAST ; OK
+ udp 10.0.0.2 > 224.0.0.1
+ udp 10.0.0.2 > 255.255.255.255
- udp 10.0.0.1 > 224.0.0.1
-m addrtype ! --dst-type LOCAL --limit-iface-in ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; in eth0
+ udp 10.0.0.2 > 10.0.0.1 ; in eth1
-m addrtype --dst-type LOCAL --limit-iface-out ; ; FAIL
-m addrtype --limit-iface-in ; ; FAIL
family ipv6
-m addrtype --dst-type LOCAL ; = ; OK
+ udp 2001:db8::2 > 2001:db8::1
- udp 2001:db8::2 > 2001:db8::3
-m addrtype --dst-type UNICAST,MULTICAST ; = ; OK
- udp 2001:db8::2 > ff02::1
- udp 2001:db8::2 > 2001:db8::3
-m addrtype --src-type UNREACHABLE ; = ; OK
+ udp 3001::1 > 2001:db8::1
-m addrtype --dst-type BROADCAST ; ; FAIL
