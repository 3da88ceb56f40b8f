-m helper --helper ftp ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81 ; ct NEW,helper=ftp
- tcp 10.0.0.2:5 > 10.0.0.1:81 ; ct NEW
-m helper ! --helper "ftp 1" ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81
-m helper --helper ftp-2121 ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81 ; ct NEW,helper=ftp
-m helper ; ; FAIL
