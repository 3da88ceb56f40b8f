:OUTPUT
-m cgroup --cgroup 5 ; = ; OK
+ udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0
-m cgroup ! --path a ; = ; OK
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
-m cgroup --path a/c ; -m cgroup --path "a/c" ; OK
- udp 10.0.0.1 > 10.0.0.2 ; in - out eth0 uid 0
-m cgroup ; ; FAIL
