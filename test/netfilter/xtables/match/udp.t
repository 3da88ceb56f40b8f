-p udp --sport 53 --dport 1024: ; -p udp -m udp --sport 53 --dport 1024:65535 ; OK
+ udp 10.0.0.2:53 > 10.0.0.1:4000
- udp 10.0.0.2:54 > 10.0.0.1:4000
x udp 10.0.0.2 > 10.0.0.1 raw hex 00350035
- udp 10.0.0.2 > 10.0.0.1 frag 8 hex 00350035
-p udplite -m udp --sport 9 ; ; FAIL
-p udp -m udp --dport nosuch ; ; FAIL
