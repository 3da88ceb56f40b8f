# What rules of family inet ask in PREROUTING, behind connection tracking.
chain inet prerouting -150
set addrs { type ipv4_addr; flags interval; elements = { 10.1.0.0/31, 10.1.0.2-10.1.0.5, 192.0.2.1 }; }
set ports { type inet_service; elements = { 80, 443 }; }
set both { type ipv4_addr . inet_service; flags interval; elements = { 10.1.0.0/24 . 80-90, 10.9.0.1 . 1 }; }
set six { typeof ip6 saddr; flags interval; elements = { 2001:db8:1::/64 }; }
set names { type ifname; flags interval; elements = { "r*", "lo" }; }
map marks { type inet_service : mark; elements = { 80 : 0x1, 81 : 0x2 }; }
map where { type ipv4_addr : inet_service; elements = { 10.2.0.2 : 80 }; }
map verdicts { type inet_service : verdict; elements = { 80 : continue, 53 : continue }; }

syn: tcp 10.1.0.2:1000 > 10.2.0.2:80 syn mss 1400
ack: tcp 10.1.0.2:1000 > 10.2.0.2:80 ack
synack: tcp 10.1.0.2:80 > 10.2.0.2:1000 syn ack
rst: tcp 10.1.0.3:1000 > 10.2.0.2:81 rst tos 0x20 ttl 3
none: tcp 10.1.0.3:1001 > 10.2.0.2:81 win 0
dns: udp 10.1.0.2:5000 > 10.1.0.1:53 data "hello" tos 0x2b
dns2: udp 10.1.0.2:5000 > 10.1.0.1:53 data "hello again" id 0x1234 df
big: udp 10.1.0.200:20 > 10.2.0.2:65535 len 300
ping: icmp 10.1.0.2 > 10.2.0.2 type 8 echo-id 5 echo-seq 1
pong: icmp 10.1.0.2 > 10.2.0.2 type 0 echo-id 5 echo-seq 1
unreach: icmp 10.1.0.2 > 10.2.0.2 type 3 code 4 rest 0x00000578 hex 45000028000040004006ffff0a0200020a01000200500400000000000000000000000000
redirect: icmp 10.1.0.2 > 10.2.0.2 type 5 code 1 rest 0x0a010009
sctp: sctp 10.1.0.2:7 > 10.2.0.2:80 vtag 9 hex 0003000400000000
gre: proto 47 10.1.0.2 > 10.2.0.2 hex 0000080000000000
esp: proto 50 10.1.0.2 > 10.2.0.2 hex 0000000500000001
short: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050
bcast: udp 10.1.0.2:68 > 255.255.255.255:67
mcast: udp 10.1.0.2:68 > 224.0.0.5:67
local: udp 10.1.0.2:68 > 10.1.0.255:67
syn6: tcp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 syn tos 0x20 flow 5
dns6: udp [2001:db8:1::2]:5000 > [2001:db8:1::1]:53 data "hello" ttl 3
ping6: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 128 echo-id 5 echo-seq 1
pong6: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 129 echo-id 6 echo-seq 1
big6: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 2 rest 1280
hop6: udp [2001:db8:1::2]:1 > [2001:db8:2::2]:2 ext hop 010400000000
dst6: udp [2001:db8:1::2]:1 > [2001:db8:2::2]:3 ext dst 010400000000
rt6: udp [2001:db8:1::2]:1 > [2001:db8:2::2]:4 ext route 000000000000
ah6: udp [2001:db8:1::2]:1 > [2001:db8:2::2]:5 ext ah 00000000000500000001

ct state new ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct state established ;
ct state != new ; ack synack rst none pong unreach redirect sctp short pong6 big6
ct state == new|established ; *
ct state ! new ; ack synack rst none pong unreach redirect sctp short pong6 big6
ct state new,established ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct state != new,established ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ct state { new, invalid } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ct state != { new, invalid } ;
ct state invalid ; ack synack rst none pong unreach redirect sctp short pong6 big6
ct state untracked ;
ct state 0x8 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct state . ct mark { new . 0x0 } ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct state vmap { new : continue } ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct direction original ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct direction reply ;
ct direction != reply ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct status confirmed ; dns2
ct status != confirmed ; syn dns big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct status 0x0 ;
ct status == 0x0 ; syn dns big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct status ! confirmed ; syn dns big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct status & (confirmed | assured) == 0x0 ; syn dns big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct status confirmed,seen-reply ; dns2
ct mark 0x0 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct mark != 0x1 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct mark & 0xff == 0x0 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct mark | 0x1 == 0x1 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct mark 0x0-0x5 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct mark { 0x0-0x5, 0x9 } ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct expiration < 31s ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct expiration > 119s ;
ct expiration 30s ; dns2
ct expiration 10s-40s ; dns2
ct helper "ftp" ;
ct helper != "ftp" ;
ct l3proto ipv4 ; syn dns dns2 big ping gre esp bcast mcast local
ct l3proto ipv6 ; syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct protocol tcp ; syn syn6
ct original protocol udp ; dns dns2 big bcast mcast local dns6 hop6 dst6 rt6 ah6
ct protocol { tcp, icmp } ; syn ping syn6
ct original ip saddr 10.1.0.2 ; syn dns dns2 ping gre esp bcast mcast local
ct original ip saddr != 10.1.0.2 ; big
ct reply ip saddr 10.2.0.2 ; syn big ping gre esp
ct reply ip daddr { 10.1.0.2, 10.1.0.3 } ; syn dns dns2 ping gre esp bcast mcast local
ct original ip6 saddr 2001:db8:1::2 ; syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct original ip6 daddr != 2001:db8:2::2 ; dns6
tcp dport 80 ct original proto-src 1000 ; syn syn6
tcp dport 80 ct original proto-dst 80-90 ; syn syn6
tcp dport 80 ct reply proto-dst 1000 ; syn syn6
ct zone 0 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct zone != 5 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct original zone 0 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct packets 1 ; syn dns big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct packets > 1 ; dns2
ct original packets 2 ; dns2
ct reply packets 0 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct bytes > 40 ; syn dns2 big syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct original bytes 40-44 ; syn
ct avgpkt 44 ; syn
ct avgpkt < 60 ; syn dns dns2 ping gre esp bcast mcast local dns6 ping6 hop6 dst6 rt6
ct label 5 ;
ct label != 5 ; syn dns dns2 big ping gre esp bcast mcast local syn6 dns6 ping6 hop6 dst6 rt6 ah6
ct label 0 ;
ct id != 0 ; ?

tcp flags syn ; syn synack syn6
tcp flags == syn ; syn syn6
tcp flags != syn ; ack synack rst none
tcp flags syn,ack ; syn ack synack syn6
tcp flags syn | ack ; syn ack synack syn6
tcp flags (syn | ack) ; syn ack synack syn6
tcp flags & (syn | ack) == syn ; syn syn6
tcp flags & (syn | ack) == syn | ack ; synack
tcp flags & (fin | syn | rst | ack) syn ; syn syn6
tcp flags syn / syn,ack ; syn syn6
tcp flags != syn / syn,ack ; ack synack rst none
tcp flags syn,ack / syn,ack ; synack
tcp flags ! syn ; ack rst none
tcp flags ! syn,ack ; rst none
tcp flags & syn == 0 ; ack rst none
tcp flags & syn != 0 ; syn synack syn6
tcp flags & 0x12 == 0x2 ; syn syn6
tcp flags { syn, ack } ; syn ack syn6
tcp flags != { syn, ack } ; synack rst none
tcp flags { syn | ack } ; syn ack synack syn6
tcp flags 0x0 ;
tcp flags == 0x0 ; none
tcp flags == 0x12 ; synack
tcp flags < 0x5 ; syn rst none syn6
tcp flags 0x1-0x5 ; syn rst syn6
tcp flags & (syn | ack) == { syn, ack } ; syn ack syn6
tcp flags . tcp dport { syn . 80, rst . 81 } ; syn rst syn6
tcp flags vmap { syn : continue, ack : continue } ; syn ack syn6
tcp dport 80 ; syn ack short syn6
tcp dport != 80 ; synack rst none
tcp dport http ; syn ack short syn6
tcp dport 80-90 ; syn ack rst none short syn6
tcp dport != 80-90 ; synack
tcp dport { 80-90, 443 } ; syn ack rst none short syn6
tcp dport != { 80, 443 } ; synack rst none
tcp dport @ports ; syn ack short syn6
tcp dport != @ports ; synack rst none
tcp dport < 81 ; syn ack short syn6
tcp dport >= 81 ; synack rst none
tcp dport & 1 == 1 ; rst none
tcp dport vmap @verdicts ; syn ack short syn6
udp dport vmap @verdicts ; dns dns2 dns6
tcp sport 1000 tcp dport 80 ; syn ack short syn6
tcp sport != 1000 ; synack none
tcp doff 6 ; syn
tcp doff > 5 ; syn
tcp doff != 5 ; syn
tcp window 0 ; none
tcp window 65535 ; syn ack synack rst syn6
tcp sequence 0 ; syn ack synack rst none syn6
tcp ackseq 0 ; syn ack synack rst none syn6
tcp reserved 0 ; syn ack synack rst none syn6
tcp urgptr 0 ; syn ack synack rst none syn6
tcp checksum != 0 ; syn ack synack rst none syn6
udp dport 53 ; dns dns2 dns6
udp sport != 5000 ; big bcast mcast local hop6 dst6 rt6
udp length 13 ; dns dns6
udp length > 100 ; big
sctp dport 80 ; sctp
sctp vtag 9 ; sctp
esp spi 5 ; esp
esp sequence 1 ; esp
th dport 80 ; syn ack sctp short syn6
th dport != 80 ; synack rst none dns dns2 big ping pong unreach redirect gre esp bcast mcast local dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
th sport 1000-5000 ; syn ack rst none dns dns2 ping redirect short syn6 dns6 ah6
meta l4proto { tcp, udp } th dport { 53, 80 } ; syn ack dns dns2 short syn6 dns6
meta l4proto . th dport { tcp . 80, udp . 53 } ; syn ack dns dns2 short syn6 dns6
@th,0,16 1000 ; syn ack rst short syn6
@th,16,16 80 ; syn ack sctp short syn6
@th,0,32 0x3e80050 ; syn ack short syn6
@th,8,16 0xe800 ; syn ack rst short syn6
@th,64,32 0 ; syn ack synack rst none big syn6
@th,108,4 2 ; syn synack syn6
@nh,0,8 0x45 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
@nh,0,4 6 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
@nh,96,32 0x0a010002 ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
@nh,96,64 0x0a0100020a020002 ; syn ack synack ping pong unreach redirect sctp gre esp short
@nh,64,128 0x20010db8000100000000000000000002 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
@nh,96,64 > 0x0a0100020a020001 ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short bcast mcast
@ll,0,48 0x020000000101 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
@ll,48,48 0x020000000102 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
@ll,96,16 0x800 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
@ll,0,112 0x0200000001010200000001020800 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
icmp type echo-request ; ping
icmp type != echo-request ; pong unreach redirect
icmp type { echo-request, echo-reply } ; ping pong
icmp type 3 ; unreach
icmp code 4 ; unreach
icmp code frag-needed ; unreach
icmp id 5 ; ping pong
icmp sequence 1 ; ping pong
icmp mtu 1400 ; unreach
icmp gateway 0xa010009 ; redirect
icmpv6 type echo-request ; ping6
icmpv6 type { echo-request, echo-reply } ; ping6 pong6
icmpv6 id 5 ; ping6
icmpv6 sequence 1 ; ping6 pong6
icmpv6 mtu 1280 ; big6
icmpv6 code 0 ; ping6 pong6 big6
ip saddr . icmp type { 10.1.0.2 . echo-request } ; ping

ip protocol tcp ; syn ack synack rst none short
ip protocol != { tcp, udp } ; ping pong unreach redirect sctp gre esp
ip protocol 47 ; gre
ip6 nexthdr tcp ; syn6
ip6 nexthdr 0 ; hop6
ip6 nexthdr != ipv6-icmp ; syn6 dns6 hop6 dst6 rt6 ah6
ip6 hoplimit < 10 ; dns6
ip6 dscp cs1 ; syn6
ip6 dscp != cs1 ; dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 ecn not-ect ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 flowlabel 5 ; syn6
ip6 flowlabel != 5 ; dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 length > 30 ;
ip6 version 6 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 saddr 2001:db8:1::/64 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 saddr != 2001:db8:1::/64 ;
ip6 saddr @six ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 daddr 2001:db8:1::1 ; dns6
ip6 daddr 2001:db8:1::-2001:db8:1::ffff ; dns6
ip6 daddr { 2001:db8:1::/64, 2001:db8:2::2 } ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 daddr & ::ff == ::2 ; syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ip6 daddr & ::ff != ::2 ; dns6
ip6 saddr . ip6 nexthdr { 2001:db8:1::/64 . tcp } ; syn6
ip saddr 10.1.0.2 ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr != 10.1.0.2 ; rst none big
ip saddr 10.0.0.0/8 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr 10.1.0.0/30 ; syn ack synack rst none dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr != 10.1.0.0/30 ; big
ip saddr 10.1.0.1-10.1.0.2 ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr != 10.1.0.1-10.1.0.2 ; rst none big
ip saddr { 10.1.0.2, 10.1.0.200/29 } ; syn ack synack dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr @addrs ; syn ack synack rst none dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr != @addrs ; big
ip saddr & 0.0.0.3 == 0.0.0.2 ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr & 255.255.255.0 == 10.1.0.0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr > 10.1.0.2 ; rst none big
ip saddr <= 10.1.0.2 ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip daddr 255.255.255.255 ; bcast
ip daddr 224.0.0.0/4 ; mcast
ip saddr . tcp dport @both ; syn ack rst none short
ip saddr . tcp dport != @both ; synack
ip saddr . tcp dport { 10.1.0.0/31 . 80, 10.1.0.2 . 70-90 } ; syn ack short
ip saddr . ip daddr { 10.1.0.2 . 10.2.0.2 } ; syn ack synack ping pong unreach redirect sctp gre esp short
ip saddr & 255.255.0.0 . tcp dport { 10.1.0.0 . 80 } ; syn ack short
ip dscp cs1 ; rst
ip dscp != cs1 ; syn ack synack none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip dscp { cs1, af11 } ; rst dns
ip dscp . ip saddr { cs1 . 10.1.0.3 } ; rst
ip ecn ce ; dns
ip ecn not-ect ; syn ack synack rst none dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip ttl < 5 ; rst
ip ttl 64 ; syn ack synack none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip ttl != 64 ; rst
ip id 0x1234 ; dns2
ip length 28-45 ; syn ack synack rst none dns dns2 ping pong redirect sctp gre esp bcast mcast local
ip length >= 100 ; big
ip hdrlength 5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip version 4 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip version != 4 ;
ip frag-off & 0x1fff != 0 ;
ip frag-off 0x4000 ; dns2
ip frag-off 0x0 ; syn ack synack rst none dns big ping pong unreach redirect sctp gre esp short bcast mcast local
ip checksum 0 ;

meta length 28-45 ; syn ack synack rst none dns dns2 ping pong redirect sctp gre esp bcast mcast local
meta length != { 28, 40 } ; syn dns dns2 big unreach short syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta length > 100 ; big
meta protocol ip ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
meta protocol ip6 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta protocol { ip, ip6 } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta nfproto ipv4 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
meta nfproto ipv6 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta nfproto != ipv4 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta l4proto tcp ; syn ack synack rst none short syn6
meta l4proto != tcp ; dns dns2 big ping pong unreach redirect sctp gre esp bcast mcast local dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta l4proto { tcp, 47 } ; syn ack synack rst none gre short syn6
meta mark 0x0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark != 0x0 ;
meta mark 0x0-0x5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark != 0x1-0x5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark { 0x0-0x5, 0x9 } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark < 0x5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark and 0xff 0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark or 1 1 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark xor 1 == 1 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark 0x0/5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta mark != 0x0/5 ;
meta mark . ip saddr { 0x0 . 10.1.0.2 } ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
ip saddr . meta mark { 10.1.0.0/24 . 0x0-0x5 } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
meta priority none ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta priority 0:5 ;
iif "r0" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iif != "r0" ;
iif "lo" ;
iif { "lo", "r0" } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iif != { "lo", "r0" } ;
oif "r1" ;
oif != "r1" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifname "r0" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifname != "r0" ;
iifname "r*" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifname != "r*" ;
iifname "e*" ;
iifname "r\*" ;
iifname { "r*", "lo" } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifname { "r0", "lo" } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifname != { "r0", "lo" } ;
iifname @names ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
oifname "r1" ;
oifname != "r1" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
oifname "" ; FAIL
iifname . ip saddr { "r*" . 10.1.0.2 } ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
iifname . ip saddr { "r0" . 10.1.0.2 } ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
iif . ip saddr { "r0" . 10.1.0.2 } ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
iifname . oifname { "r0" . "r1" } ;
iiftype ether ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iiftype != ether ;
oiftype ether ;
oiftype != ether ;
iifgroup 0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifgroup "default" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
iifgroup != 5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
oifgroup != 5 ;
meta iifkind "veth" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta iifkind != "veth" ;
meta oifkind != "veth" ;
meta pkttype host ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta pkttype { broadcast, multicast } ;
meta pkttype != unicast ;
meta skuid 0 ;
meta skuid != 0 ;
meta cgroup != 5 ;
rtclassid 0 ;
meta ipsec exists ;
meta ipsec missing ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta random >= 0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta cpu 0 ; ?
meta day { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta hour >= "00:00" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
meta time >= "1970-01-01 00:00:00" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6

ether saddr 02:00:00:00:01:02 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ether saddr != 02:00:00:00:01:02 ;
ether daddr { 02:00:00:00:01:01 } ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ether type ip ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ether type ip6 ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ether type != ip ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
ether saddr . ip saddr { 02:00:00:00:01:02 . 10.1.0.2 } ; syn ack synack dns dns2 ping pong unreach redirect sctp gre esp short bcast mcast local
vlan id 5 ;

exthdr hbh exists ; hop6
exthdr hbh missing ; syn6 dns6 ping6 pong6 big6 dst6 rt6 ah6
exthdr rt exists ; rt6
exthdr dst exists ; dst6
exthdr frag missing ; syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
exthdr mh exists ;
hbh nexthdr udp ; hop6
hbh hdrlength 0 ; hop6
dst nexthdr 17 ; dst6
dst hdrlength != 5 ; dst6
rt type 0 ; rt6
rt seg-left 0 ; rt6
rt nexthdr udp ; rt6
frag id 5 ;
frag id != 5 ;
ah spi 5 ; ah6
tcp option maxseg exists ; syn
tcp option maxseg missing ; ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
tcp option maxseg size 1400 ; syn
tcp option maxseg size != 1400 ;
tcp option maxseg size > 1000 ; syn
tcp option maxseg length 4 ; syn
tcp option sack-perm exists ;
tcp option sack-perm missing ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
tcp option 2 exists ; syn
tcp option @2,16,16 1400 ; syn
ip option rr exists ;
ip option rr missing ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
ip option ra value 0 ;

fib saddr . iif oif exists ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib saddr . iif oif missing ;
fib saddr oif "r0" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib saddr oif != "r0" ;
fib saddr oifname "r0" ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib daddr oifname "r1" ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib daddr oifname != "r1" ; dns dns2 bcast mcast local dns6
fib daddr oif "r1" ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib daddr oif exists ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short local syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib daddr . mark oif exists ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short local syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib saddr type unicast ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib saddr type != unicast ;
fib daddr type local ; dns dns2 dns6
fib daddr type != local ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib daddr type { local, broadcast, multicast } ; dns dns2 bcast mcast local dns6
fib daddr . iif type local ; dns dns2 dns6
fib daddr . iif type != local ; syn ack synack rst none big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 ping6 pong6 big6 hop6 dst6 rt6 ah6
fib saddr . mark . iif oif exists ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6

rt classid 0 ;
rt ip nexthop 10.2.0.2 ;
rt ip6 nexthop 2001:db8:2::2 ;
rt ipsec missing ;
socket transparent 0 ; dns dns2 dns6
socket transparent 1 ;
socket mark 0x0 ; dns dns2 dns6
socket mark != 0x0 ;
socket wildcard 1 ; dns dns2 dns6
socket wildcard 0 ;

numgen inc mod 2 == 0 ; syn synack none dns2 ping unreach sctp esp bcast local dns6 pong6 hop6 rt6
numgen inc mod 3 < 2 ; syn ack rst none dns2 big pong unreach sctp gre short bcast local syn6 ping6 pong6 hop6 dst6 ah6
numgen inc mod 2 offset 5 vmap { 5 : continue } ; syn synack none dns2 ping unreach sctp esp bcast local dns6 pong6 hop6 rt6
numgen random mod 1 == 0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
jhash ip saddr mod 1 == 0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
jhash ip saddr mod 1 offset 5 == 5 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
jhash ip saddr . ip daddr mod 4 seed 0xbeef == 0 ; syn ack synack dns dns2 big ping pong unreach redirect sctp gre esp short bcast
jhash ip saddr . ip daddr mod 4 seed 0xbeef == 1 ;
jhash ip saddr mod 7 seed 0x1 == 3 ; syn ack synack dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local
jhash ip saddr mod 7 seed 0x1 == 4 ;
jhash ip6 saddr . tcp dport mod 5 seed 0x1 < 3 ; syn6
jhash ether saddr . ip saddr . tcp sport mod 5 seed 0x2a == 2 ; syn ack short
jhash ether saddr . ip saddr . tcp sport mod 5 seed 0x2a == 3 ; rst
symhash mod 1 == 0 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
symhash mod 1 offset 4 == 4 ; syn ack synack rst none dns dns2 big ping pong unreach redirect sctp gre esp short bcast mcast local syn6 dns6 ping6 pong6 big6 hop6 dst6 rt6 ah6
foo bar ; FAIL
tcp dport 70000 ; FAIL
ip saddr 10.1.0.300 ; FAIL
