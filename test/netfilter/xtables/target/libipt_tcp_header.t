# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:POSTROUTING
*mangle
-p tcp -j ECN --ecn-tcp-remove;=;OK
-p tcp -j ECN --ecn-tcp-cwr 1;=;OK
-j ECN --ecn-ip-ect 1;=;OK
-p tcp -j ECN --ecn-tcp-ece 1 --ecn-tcp-cwr 0 --ecn-ip-ect 3;=;OK
-j ECN --ecn-tcp-remove;;FAIL
-p tcp -j ECN;;FAIL
-p tcp -j TCPOPTSTRIP --strip-options wscale,mss,20;-p tcp -j TCPOPTSTRIP --strip-options 2,3,20;OK
-p tcp -j TCPOPTSTRIP --strip-options wscale,foo;;FAIL
-p tcp -j TCPOPTSTRIP --strip-options 2,md5,2;;FAIL
-p tcp -j TCPOPTSTRIP --strip-options 256;;FAIL
-j TCPOPTSTRIP;;FAIL
-j CHECKSUM;;FAIL
-j CHECKSUM --checksum-fill;=;OK
