-m ttl --ttl-eq 64 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m ttl ! --ttl 64 ; -m ttl ! --ttl-eq 64 ; OK
- udp 10.0.0.2 > 10.0.0.1
-m ttl --ttl-lt 3 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ttl 2
- udp 10.0.0.2 > 10.0.0.1 ttl 3
-m ttl --ttl-gt 255 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ttl 255
-m ttl --ttl-lt 5 --ttl-gt 3 ; ; FAIL
-m ttl ; ; FAIL
family ipv6
-m hl --hl-gt 3 ; = ; OK
+ udp ::1 > ::2 ttl 4
-m hl ! --hl-lt 3 ; ; FAIL
