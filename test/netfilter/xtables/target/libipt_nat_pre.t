# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*nat
-p tcp -j DNAT --to-destination :5-10/7 --random --persistent;=;OK
-p tcp -j DNAT --to 1.1.1.1 --random-fully;;FAIL
-p tcp -j DNAT --to 1.1.1.5-1.1.1.1:10-20;-p tcp -j DNAT --to-destination 1.1.1.5-1.1.1.1:10-20;OK
-p tcp -j DNAT --to 1.1.1;;FAIL
-p tcp -j DNAT --to-destination 1.1.1.1:5-5;-p tcp -j DNAT --to-destination 1.1.1.1:5;OK
-p tcp -j DNAT --to-destination 1.1.1.1:5:6;;FAIL
-p tcp -j DNAT --to-destination 1.1.1.1:x;;FAIL
-p tcp -j DNAT --to-destination 1.1.1.1:http;-p tcp -j DNAT --to-destination 1.1.1.1:80;OK
-p tcp -j DNAT;;FAIL
-p tcp -j DNAT ! --to-destination 1.1.1.1;;FAIL
-j DNAT --to 1.1.1.1-1.1.1.1;-j DNAT --to-destination 1.1.1.1;OK
-p tcp -j DNAT --to-destination 1.1.1.1:10-20/0;;FAIL
-p tcp -j REDIRECT --to-ports 0;=;OK
-p tcp -j REDIRECT --to-ports 5-0;;FAIL
-p tcp -j REDIRECT;=;OK
-j REDIRECT --to-ports 5 -p tcp;;FAIL
-p icmp -j REDIRECT --to-ports 5;=;OK
-p tcp -j REDIRECT --to-ports 8080-8090 --random;=;OK
-j NETMAP --to 1.2.3.4/24;-j NETMAP --to 1.2.3.0/24;OK
-j NETMAP --to 1.2.3.4/255.255.240.0;-j NETMAP --to 1.2.0.0/20;OK
-j NETMAP;;FAIL
-j NETMAP --to foo;;FAIL
-j MASQUERADE;;FAIL
-j SNAT --to 1.1.1.1;;FAIL
