# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:INPUT
*filter
-p tcp --dport 80 -j ACCEPT;-p tcp -m tcp --dport 80 -j ACCEPT;OK
--dport 80 -p tcp;;FAIL
-p tcp --dpo 80;-p tcp -m tcp --dport 80;OK
-p tcp --d 80;;FAIL
! -d ! 1.2.3.4;;FAIL
! ! -d 1.2.3.4;;FAIL
-i "";;FAIL
! -i +;;OK
-i + -o +;;FAIL
-s 1.2.3.4/255.0.255.0 -d 10.1/8;-s 1.0.3.0/255.0.255.0 -d 10.0.0.0/8;OK
! -s 1.2.3.4,2.3.4.5;;FAIL
-p ALL;;OK
! -p all;;FAIL
-s 0.0.0.0/0;;OK
! -s 0.0.0.0/0;=;OK
! -s 1.2.3.4/0;! -s 0.0.0.0/0;OK
-s 010.1.1.1;-s 8.1.1.1/32;OK
-s 1.2.3.4/33;;FAIL
-s 1.2.3.4/;;FAIL
-s 1.2.3;-s 1.2.3.0/32;OK
-s 0x7f.1;-s 127.1.0.0/32;OK
-j;;FAIL
-j FOO;;FAIL
-m foo;;FAIL
-p foo;;FAIL
-p 256;;FAIL
-p tcp -p udp;;FAIL
-j ACCEPT -j DROP;;FAIL
-g ACCEPT;;FAIL
foo;;FAIL
--foo;;FAIL
-q;;FAIL
-o eth0;;FAIL
-i abcdefghijklmnop;;FAIL
-i abcdefghijklmno;=;OK
-f -p tcp;-p tcp -f;OK
! -f;=;OK
-p udp -f ! --dport 53;-p udp -f -m udp ! --dport 53;OK
-m tcp -p udp;;FAIL
-p 89 -j RETURN;-p ospf -j RETURN;OK
-p ipencap;=;OK
-p 200;=;OK
! -p 17 -j QUEUE;! -p udp -j QUEUE;OK
-s foo.example;;FAIL
-s 10.0.0.0/255.255.255.254;-s 10.0.0.0/31;OK
-i eth+ -j ACCEPT;=;OK
! -j ACCEPT;;FAIL
-j ACCEPT !;;FAIL
--source 1.2.3.4 --destination 5.6.7.8 --in-interface lo --protocol udp --jump DROP;-s 1.2.3.4/32 -d 5.6.7.8/32 -i lo -p udp -j DROP;OK
-p tcp --destination-port 80;-p tcp -m tcp --dport 80;OK
-p 6 --dport 80;-p tcp -m tcp --dport 80;OK
-m tcp --dport 80;;FAIL
-s ::1;;FAIL
-v -n -j DROP;;FAIL
-c 5 6 -j DROP;-j DROP;OK
-c 5 -j DROP;;FAIL
-A INPUT;;FAIL
-F;;FAIL
-p icmp --icmp-type 8;-p icmp -m icmp --icmp-type 8;OK
-p icmp -m icmp;;FAIL
-p icmpv6;-p ipv6-icmp;OK
-p udp --dport 1:2 --sport 3;-p udp -m udp --sport 3 --dport 1:2;OK
