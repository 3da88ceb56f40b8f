-m connbytes --connbytes 4:5 --connbytes-mode packets --connbytes-dir both ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
- udp 10.0.0.2 > 10.0.0.1
-m connbytes ! --connbytes 100 --connbytes-mode avgpkt --connbytes-dir original ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m connbytes --connbytes 50:50 --connbytes-mode avgpkt --connbytes-dir reply ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m connbytes --connbytes 10:5 --connbytes-mode bytes --connbytes-dir reply ; ; FAIL
-m connbytes --connbytes 10 --connbytes-mode bytes ; ; FAIL
