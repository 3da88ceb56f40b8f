-m connlimit --connlimit-above 2 ; -m connlimit --connlimit-above 2 --connlimit-mask 32 --connlimit-saddr ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m connlimit ! --connlimit-above 2 --connlimit-mask 255.255.0.0 --connlimit-daddr ; -m connlimit --connlimit-upto 2 --connlimit-mask 16 --connlimit-daddr ; OK
- udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m connlimit --connlimit-upto 3 --connlimit-mask 32 --connlimit-saddr ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m connlimit --connlimit-mask 24 ; ; FAIL
