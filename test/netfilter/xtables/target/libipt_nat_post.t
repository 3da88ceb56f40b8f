# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:POSTROUTING
*nat
-p tcp -j SNAT --to-source 1.1.1.1:0;=;OK
-p icmp -j SNAT --to-source 1.1.1.1:5;=;OK
-p tcp -j SNAT --to-source :5-6;=;OK
! -p tcp -j SNAT --to-source 1.1.1.1:5;=;OK
-p tcp -j SNAT --to-source 1.1.1.1:6-5;;FAIL
-p tcp -j SNAT --to-source 1.1.1.1:5-6/7;-p tcp -j SNAT --to-source 1.1.1.1:5-6/0;OK
-j SNAT --to 1.2.3.4-1.2.3.9 --random --random-fully --persistent;-j SNAT --to-source 1.2.3.4-1.2.3.9 --random --random-fully --persistent;OK
-j SNAT --to-source 1.2.3;;FAIL
-j SNAT --to-source 1.1.1.1:5;;FAIL
-j MASQUERADE;=;OK
-j MASQUERADE --to-ports 5;;FAIL
-p udp -j MASQUERADE --to-ports 5 --random --random-fully;=;OK
-p udp -j MASQUERADE --to-ports 5-9;=;OK
-p udp -j MASQUERADE --to-ports 9-5;;FAIL
-p udp -j MASQUERADE --to-ports http;-p udp -j MASQUERADE --to-ports 80;OK
-p udp -j MASQUERADE --to-ports 70000;;FAIL
-j NETMAP --to 10.0.0.0/8;=;OK
-j DNAT --to 1.1.1.1;;FAIL
-j REDIRECT;;FAIL
-j ACCEPT;=;OK
