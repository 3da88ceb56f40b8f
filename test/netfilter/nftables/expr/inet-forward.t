# What is known of a packet when it is forwarded: both devices, its route, both directions of its connection.
chain inet forward 0
set hosts { type ipv4_addr . inet_service . iface_index; elements = { 10.1.0.2 . 80 . "r1" }; }
map labels { typeof ip saddr : meta mark; elements = { 10.1.0.2 : 0x5 }; }
syn: tcp 10.1.0.2:1000 > 10.2.0.2:80 syn
synack: tcp 10.2.0.2:80 > 10.1.0.2:1000 syn ack
ack: tcp 10.1.0.2:1000 > 10.2.0.2:80 ack seq 1 acknum 1
dns: udp 10.1.0.2:5000 > 10.2.0.2:53 data "hello" tos 0x2b
answer: udp 10.2.0.2:53 > 10.1.0.2:5000 data "hello again"
dns2: udp 10.1.0.2:5000 > 10.2.0.2:53 data "hello"
dead: icmp 10.1.0.3 > 10.2.0.2 type 3 code 3 hex 450000210000000040114ecb0a0200020a01000200351388000d0000
ping: icmp 10.1.0.2 > 10.2.0.2 type 8 echo-id 5 echo-seq 1
far: udp 10.1.0.2:1 > 10.2.0.9:2
back: udp 10.2.0.77:1 > 10.1.0.2:2
stray: udp 172.16.0.1:1 > 10.2.0.2:2
syn6: tcp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 syn
synack6: tcp [2001:db8:2::2]:80 > [2001:db8:1::2]:1000 syn ack
dns6: udp [2001:db8:1::2]:5000 > [2001:db8:2::2]:53 data "hello" tos 0x2b
stray6: udp [2001:db8:9::1]:1 > [2001:db8:2::2]:2

iif "r0" ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
oif "r1" ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
oif != "r1" ; synack answer back synack6
oif { "r1", "lo" } ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
oifname "r1" ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
oifname "r*" ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
oifname != "r0" ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
iifname . oifname { "r0" . "r1" } ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
iif . oif { "r0" . "r0" } ; synack answer back synack6
iif . oif vmap { "r0" . "r1" : continue } ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
oiftype ether ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
oifgroup 0 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta oifkind "veth" ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ip daddr . tcp dport . oif { 10.2.0.2 . 80 . "r1" } ; syn ack
ip saddr . tcp dport . oif @hosts ; syn ack
ip ttl 63 ; syn synack ack dns answer dns2 dead ping far back stray
ip6 hoplimit 63 ; syn6 synack6 dns6 stray6
ct state new ; syn dns ping far back stray syn6 dns6 stray6
ct state established ; synack ack answer dns2 synack6
ct state established,related ; synack ack answer dns2 dead synack6
ct state related ; dead
ct state invalid ;
ct state { established, related } ; synack ack answer dns2 dead synack6
ct state != { established, related } ; syn dns ping far back stray syn6 dns6 stray6
ct state vmap { established : continue, related : continue } ; synack ack answer dns2 dead synack6
ct state == established|related ; *
ct direction original ; syn ack dns dns2 dead ping far back stray syn6 dns6 stray6
ct direction reply ; synack answer synack6
ct direction != reply ; syn ack dns dns2 dead ping far back stray syn6 dns6 stray6
ct status seen-reply ; synack ack answer dns2 dead synack6
ct status assured ; ack
ct status != seen-reply ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ct status ! seen-reply ; syn dns ping far back stray syn6 dns6 stray6
ct status confirmed ; synack ack answer dns2 dead synack6
ct status seen-reply / confirmed,seen-reply ;
ct status & (confirmed | seen-reply) == seen-reply ;
ct status snat,dnat ;
ct expiration 0s-1s ; syn dns ping far back stray syn6 dns6 stray6
ct expiration > 1s ; synack ack answer dns2 dead synack6
ct expiration > 100s ; ack
ct original ip saddr 10.1.0.2 ; syn synack ack dns answer dns2 dead ping far
ct original ip daddr 10.2.0.2 ; syn synack ack dns answer dns2 dead ping stray
ct reply ip saddr 10.2.0.2 ; syn synack ack dns answer dns2 dead ping stray
ct reply ip saddr != 10.2.0.2 ; far back
ct original ip saddr . ct original ip daddr { 10.1.0.2 . 10.2.0.2 } ; syn synack ack dns answer dns2 dead ping
ct original ip6 saddr 2001:db8:1::2 ; syn6 synack6 dns6
ct original ip6 saddr != ::1 ; syn6 synack6 dns6 stray6
ct original protocol tcp ; syn synack ack syn6 synack6
ct reply protocol udp ; dns answer dns2 dead far back stray dns6 stray6
ct protocol . ct direction { udp . reply } ; answer
meta l4proto udp ct original proto-dst 53 ; dns answer dns2 dns6
meta l4proto udp ct reply proto-src 53 ; dns answer dns2 dns6
meta l4proto udp ct original proto-src 5000 ; dns answer dns2 dns6
meta l4proto tcp ct reply proto-src 80-90 ; syn synack ack syn6 synack6
meta l4proto tcp ct reply proto-src != 80-90 ;
ct zone 0 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ct packets 2 ; synack answer synack6
ct packets > 1 ; synack ack answer dns2 dead synack6
ct original packets 1 ; syn synack dns answer ping far back stray syn6 synack6 dns6 stray6
ct original packets 2 ; ack dns2 dead
ct reply packets 1 ; synack ack answer dns2 dead synack6
ct reply packets > 0 ; synack ack answer dns2 dead synack6
ct bytes > 80 ; ack dns2 dead synack6
ct reply bytes 39-40 ; synack ack answer dns2 dead
ct avgpkt 36 ; answer
ct original avgpkt != 33 ; syn synack ack ping far back stray syn6 synack6 dns6 stray6
ct reply avgpkt > 0 ; synack ack answer dns2 dead synack6
ct label 3 ;
ct label ! 3 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ct label 3,4 ;
ct label & 3 == 3 ;
ct mark 0x0 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ct mark and 0x3 or 0x1 == 0x1 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ct l3proto ipv6 ; syn6 synack6 dns6 stray6
ct helper "ftp" ;
rt classid 0 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
rt classid != 0 ;
rt ip nexthop 10.2.0.2 ; syn ack dns dns2 dead ping stray
rt ip nexthop != 10.2.0.2 ; synack answer far back
rt ip nexthop 10.2.0.0/24 ; syn ack dns dns2 dead ping far stray
rt ip6 nexthop 2001:db8:2::2 ; syn6 dns6 stray6
rt ip6 nexthop 2001:db8:2::/64 ; syn6 dns6 stray6
rt mtu 1460 ; syn synack ack dns answer dns2 dead ping far back stray
rt mtu != 1460 ; syn6 synack6 dns6 stray6
rt mtu 1440 ; syn6 synack6 dns6 stray6
rt mtu < 1450 ; syn6 synack6 dns6 stray6
rt ipsec missing ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
rt ipsec exists ;
rtclassid 0 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
ipsec in reqid 1 ;
ipsec out spnum 1 ip saddr 10.0.0.1 ;
meta ipsec missing ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
fib saddr oif "r0" ; syn ack dns dns2 dead ping far syn6 dns6
fib saddr . iif oif exists ; syn ack dns dns2 dead ping far syn6 dns6
fib saddr . iif oif missing ; synack answer back stray synack6 stray6
fib saddr . iif oif "r0" ; syn ack dns dns2 dead ping far syn6 dns6
fib saddr . iif oif != "r0" ; synack answer back stray synack6 stray6
fib saddr . iif oifname "r0" ; syn ack dns dns2 dead ping far syn6 dns6
fib saddr . mark . iif oif exists ; syn ack dns dns2 dead ping far syn6 dns6
fib daddr oif "r1" ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
fib daddr oifname "r1" ; syn ack dns dns2 dead ping far stray syn6 dns6 stray6
fib daddr oif 0 ;
fib daddr type unicast ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
fib daddr . oif type unicast ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
fib daddr . iif type local ;
fib saddr type unicast ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6
fib saddr . oif type != local ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
socket transparent 0 ; FAIL
meta skuid 0 ;
meta pkttype host ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta priority 0:0 ; syn synack ack answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta length 33 ; dns dns2
meta mark ^ 0x5 == 0x5 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta mark | 0x4 == 0x4 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta mark & 0x4 | 0x1 == 0x1 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta hour "00:00"-"23:59:59" ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta hour "23:59"-"23:58" ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta hour 0-86399 ; syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta day != "Monday" ; ~ syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta day "Thursday" ; ~ syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta hour "00:00" ; ~ syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta hour != "00:00"-"01:00" ; ~
meta hour "23:00"-"01:00" ; ~ syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta time < "1970-01-02 00:00:00" ; ~ syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta time "1970-01-01 00:00:00" ; ~ syn synack ack dns answer dns2 dead ping far back stray syn6 synack6 dns6 stray6
meta random < 1 ;
ct original saddr 10.1.0.2 ; FAIL
ip saddr . ip daddr 10.1.0.2 . 10.2.0.2 ; FAIL
