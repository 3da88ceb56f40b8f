:OUTPUT
-m owner --uid-owner root ; -m owner --uid-owner 0 ; OK
+ udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 1
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0
-m owner ! --uid-owner 5:9 ; -m owner ! --uid-owner 5-9 ; OK
+ udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
+ udp 10.0.0.1 > 10.0.0.2 ; in - out eth0
-m owner ! --socket-exists ; = ; OK
+ udp 10.0.0.1 > 10.0.0.2 ; in - out eth0
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
-m owner --gid-owner 27 --suppl-groups ; = ; OK
+ udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
-m owner --gid-owner 27 ; = ; OK
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
-m owner --uid-owner 9-5 ; ; FAIL
-m owner --suppl-groups --gid-owner 5 ; ; FAIL
-m owner ; ; FAIL
:INPUT
-m owner --uid-owner 0 ; ; FAIL
