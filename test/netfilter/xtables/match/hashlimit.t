-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 1 --hashlimit-mode srcip,dstport --hashlimit-name h ; = ; OK
+ udp 10.0.0.2:1 > 10.0.0.1:5
- udp 10.0.0.2:2 > 10.0.0.1:5
+ udp 10.0.0.3:1 > 10.0.0.1:5
+ udp 10.0.0.2:1 > 10.0.0.1:6
+ udp 10.0.0.2:1 > 10.0.0.1:5 ; at 1000
x udp 10.0.0.2 > 10.0.0.1 raw hex 0001
-m hashlimit --hashlimit-above 1/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name h --hashlimit-srcmask 24 ; = ; OK
- udp 10.0.0.2:1 > 10.0.0.1:5
-m hashlimit --hashlimit 5/s --hashlimit-name h ; -m hashlimit --hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name h ; OK
-m hashlimit --hashlimit-upto 512kb/s --hashlimit-burst 1mb --hashlimit-name h ; = ; OK
+ udp 10.0.0.2:1 > 10.0.0.1:5 len 1500
-m hashlimit --hashlimit-upto 1b/s --hashlimit-name h ; -m hashlimit --hashlimit-upto 0b/s --hashlimit-name h ; OK
-m hashlimit --hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name h --hashlimit-rate-match ; = ; OK
? udp 10.0.0.2:1 > 10.0.0.1:5
-m hashlimit --hashlimit-above 1/day --hashlimit-burst 5 --hashlimit-name h ; ; FAIL
-m hashlimit --hashlimit-upto 5/s ; ; FAIL
-m hashlimit --hashlimit-name h ; ; FAIL
