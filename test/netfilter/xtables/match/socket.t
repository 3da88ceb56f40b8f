-m socket ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:80
- tcp 10.0.0.2:5 > 10.0.0.1:81
- tcp 10.0.0.2:5 > 10.0.0.1:82
- icmp 10.0.0.2 > 10.0.0.1
-m socket --nowildcard --restore-skmark -m mark --mark 0x9 ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81
-m socket --transparent ; = ; OK
- tcp 10.0.0.2:5 > 10.0.0.1:80
:OUTPUT
-m socket ; ; FAIL
