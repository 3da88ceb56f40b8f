# Packets for the router itself.
chain inet input 0
ssh: tcp 10.1.0.2:1000 > 10.1.0.1:22 syn
web: tcp 10.1.0.2:1001 > 10.1.0.1:80 syn
dns: udp 10.1.0.2:5000 > 10.1.0.1:53 data "hello"
dns9: udp 10.1.0.2:5000 > 10.2.0.1:53 data "hello"
cast: udp 10.1.0.2:5000 > 10.1.0.255:53 data "hello"
all: udp 10.1.0.2:5000 > 255.255.255.255:53 data "hello"
zero: udp 0.0.0.0:68 > 255.255.255.255:67 data "hello"
ping: icmp 10.1.0.2 > 10.1.0.1 type 8 echo-id 5 echo-seq 1
ssh6: tcp [2001:db8:1::2]:1000 > [2001:db8:1::1]:22 syn
dns6: udp [2001:db8:1::2]:5000 > [2001:db8:1::1]:53 data "hello"
loop: send udp 127.0.0.1 53 5004
loop2: send udp 10.1.0.1 54 5005
loop6: send udp ::1 53 5004
iif "r0" ; ssh web dns dns9 cast all zero ping ssh6 dns6
iif "lo" ; loop loop2 loop6
iif != "lo" ; ssh web dns dns9 cast all zero ping ssh6 dns6
iifname "lo" ; loop loop2 loop6
iiftype loopback ; loop loop2 loop6
oif "r0" ;
oif != "r0" ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
oifname != "lo" ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
oiftype ether ;
meta skuid 0 ;
meta pkttype host ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
meta pkttype broadcast ;
ct state new ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
ct direction original ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
ct status confirmed ; loop loop2 loop6
ct expiration > 1s ; loop loop2 loop6
fib daddr type local ; ssh web dns dns9 ping ssh6 dns6 loop loop2 loop6
fib daddr type broadcast ; cast all zero
fib daddr . iif type local ; ssh web dns ping ssh6 dns6 loop loop6
fib daddr . iif type { local, broadcast } ; ssh web dns cast all zero ping ssh6 dns6 loop loop6
fib saddr type unicast ; ssh web dns dns9 cast all ping ssh6 dns6
fib saddr type local ; loop loop2 loop6
fib saddr oif exists ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
fib saddr oif "r0" ; ssh web dns dns9 cast all zero ping ssh6 dns6
fib saddr . iif oif exists ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
fib saddr . iif oif "lo" ; loop loop2 loop6
fib daddr oif missing ; ssh web dns dns9 all ping ssh6 dns6
fib daddr oif "lo" ; loop loop2 loop6
socket transparent 0 ; ssh dns dns9 cast all ssh6 dns6 loop loop2 loop6
socket mark 0x0 ; ssh dns dns9 cast all ssh6 dns6 loop loop2 loop6
socket wildcard 1 ; ssh dns dns9 cast all ssh6 dns6 loop loop2 loop6
socket wildcard 0 ;
rt ip nexthop 10.1.0.1 ; ssh web dns ping loop2
rt classid 0 ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
ip ttl 64 ; ssh web dns dns9 cast all zero ping loop loop2
ether saddr 02:00:00:00:01:02 ; ssh web dns dns9 cast all zero ping ssh6 dns6
ether type ip ; ssh web dns dns9 cast all zero ping
meta sdif 0 ; ssh web dns dns9 cast all zero ping ssh6 dns6 loop loop2 loop6
meta length 33 ; dns dns9 cast all zero
socket cgroupv2 level 1 "x" ; ?
