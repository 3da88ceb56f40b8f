# Recorded from ip6tables-legacy 1.8.9 on Linux 6.18.
:INPUT
*filter
-p icmpv6 --icmpv6-type 1;-p ipv6-icmp -m icmp6 --icmpv6-type 1;OK
-p 58 -m ipv6-icmp --icmpv6-type 1;-p ipv6-icmp -m icmp6 --icmpv6-type 1;OK
-p mh --mh-type 1;-p mobility-header -m mh --mh-type 1;OK
-p ipv6-mh --mh-type 1;;FAIL
-p 135 --mh-type 1;;FAIL
-p esp;=;OK
-p 0;;OK
-p hopopt;;OK
-f;;FAIL
-s ::1/64;-s ::/64;OK
-s 1.2.3.4;;FAIL
-s fe80::1/ffff::;-s fe80::/16;OK
-s fe80::1/ffff::ffff;=;OK
-s ::/0;;OK
! -s ::/0;=;OK
-s ::ffff:1.2.3.4;-s ::ffff:1.2.3.4/128;OK
-d 2001:DB8::1;-d 2001:db8::1/128;OK
-s fe80::1%eth0;;FAIL
-s ::1/129;;FAIL
-p tcp --dport 80 -j REJECT;-p tcp -m tcp --dport 80 -j REJECT --reject-with icmp6-port-unreachable;OK
