-m limit --limit 2/sec --limit-burst 2 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; at 499
+ udp 10.0.0.2 > 10.0.0.1 ; at 500
- udp 10.0.0.2 > 10.0.0.1 ; at 500
+ udp 10.0.0.2 > 10.0.0.1 ; at 9000
+ udp 10.0.0.2 > 10.0.0.1 ; at 9000
- udp 10.0.0.2 > 10.0.0.1 ; at 9000
-m limit ; -m limit --limit 3/hour ; OK
-m limit --limit 7/minutes ; ; FAIL
-m limit --limit 7/m ; -m limit --limit 7/min ; OK
-m limit --limit 70/hour ; = ; OK
-m limit --limit 59/min ; = ; OK
-m limit --limit 10001/s ; ; FAIL
-m limit --limit 3/day ; ; FAIL
-m limit --limit 1/day --limit-burst 1 ; = ; OK
-m limit --limit 0/s ; ; FAIL
