# Recorded from ip6tables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*nat
-p tcp -j DNAT --to :80;-p tcp -j DNAT --to-destination :80;OK
-p tcp -j DNAT --to [::1];-p tcp -j DNAT --to-destination ::1;OK
-p tcp -j DNAT --to [::1-::2]:80;-p tcp -j DNAT --to-destination [::1-::2]:80;OK
-p tcp -j DNAT --to ::1-::2;-p tcp -j DNAT --to-destination ::1-::2;OK
-p tcp -j DNAT --to [::1]-[::2];;FAIL
-p tcp -j DNAT --to-destination [dead::beef]:10-20/ftp;-p tcp -j DNAT --to-destination [dead::beef]:10-20/21;OK
-j DNAT --to-destination [dead::beef]:10;;FAIL
-p tcp -j REDIRECT --to-ports 8080-8090 --random;=;OK
-j NETMAP --to dead::/64;=;OK
-p icmpv6 -j DNAT --to [::1]:5;;FAIL
-j DNAT --to 1.2.3.4;;FAIL
