# 1970-01-01 was a Thursday
-m time --timestart 10:00 --timestop 12:00 --weekdays Thu --datestop 2000 ; -m time --timestart 10:00:00 --timestop 12:00:00 --weekdays Thu --datestop 2000-01-01T00:00:00 ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; at 36000000
- udp 10.0.0.2 > 10.0.0.1 ; at 35999000
- udp 10.0.0.2 > 10.0.0.1 ; at 122400000
-m time --timestart 22:00:00 --timestop 02:00:00 --weekdays Thu --datestop 2038-01-19T03:14:07 --contiguous ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; at 90000000
- udp 10.0.0.2 > 10.0.0.1 ; at 3600000
-m time ! --monthdays 1 ; -m time --monthdays 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31 --datestop 2038-01-19T03:14:07 ; OK
- udp 10.0.0.2 > 10.0.0.1 ; at 0
-m time --timestart 25:00 ; ; FAIL
-m time --weekdays 0 ; ; FAIL
-m time --utc --kerneltz ; ; FAIL
-m time --contiguous ; ; FAIL
