:PREROUTING
*raw
-m rpfilter ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; in eth0
- udp 20.0.0.2 > 10.0.0.1 ; in eth0
- udp 10.0.0.1 > 10.0.0.1 ; in eth0
+ udp 0.0.0.0 > 255.255.255.255 ; in eth0
+ udp 20.0.0.2 > 10.0.0.1 ; in lo
-m rpfilter --loose --accept-local ; = ; OK
+ udp 20.0.0.2 > 10.0.0.1 ; in eth0
+ udp 10.0.0.1 > 10.0.0.1 ; in eth0
- udp 30.0.0.2 > 10.0.0.1 ; in eth0
-m rpfilter --validmark --invert ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; in eth0
+ udp 30.0.0.2 > 10.0.0.1 ; in eth0
family ipv6
-m rpfilter ; = ; OK
+ udp 2001:db8::2 > 2001:db8::1 ; in eth0
- udp 2001:db8::2 > 2001:db8::1 ; in eth1
+ udp :: > ff02::1 ; in eth1
*filter
:INPUT
-m rpfilter ; ; FAIL
