-p tcp -m ecn --ecn-tcp-cwr ! --ecn-tcp-ece ; -p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:81 cwr
- tcp 10.0.0.2:5 > 10.0.0.1:81 cwr ece
-m ecn ! --ecn-ip-ect 1 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 tos 0x11
-m ecn --ecn-tcp-cwr ; ; FAIL
-m ecn --ecn-ip-ect 4 ; ; FAIL
