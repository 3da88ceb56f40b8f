-m iprange --src-range 10.0.0.2-10.0.0.5 ; = ; OK
+ udp 10.0.0.5 > 10.0.0.1
- udp 10.0.0.6 > 10.0.0.1
-m iprange ! --dst-range 10.0.0.2-10.0.0.5 ; = ; OK
+ udp 10.0.0.5 > 10.0.0.1
-m iprange --src-range 10.1-10.2 ; -m iprange --src-range 10.1.0.0-10.2.0.0 ; OK
# the wrong way round: taken, never matches
-m iprange --src-range 10.0.0.5-10.0.0.2 ; = ; OK
- udp 10.0.0.3 > 10.0.0.1
-m iprange ; ; FAIL
family ipv6
-m iprange --dst-range 2001:db8::1-2001:db8::10 ; = ; OK
+ udp ::1 > 2001:db8::f
- udp ::1 > 2001:db8::11
