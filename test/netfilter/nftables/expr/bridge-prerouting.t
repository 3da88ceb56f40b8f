# Frames on a bridge.
chain bridge prerouting -300
syn: tcp 10.1.0.2:1000 > 10.2.0.2:80 syn
dns: udp 10.1.0.2:5000 > 10.2.0.2:53 data "hello"
later: udp 10.1.0.2 > 10.2.0.2 frag 16 id 7 hex 03e800500102030405060708
ping: icmp 10.1.0.2 > 10.2.0.2 type 8 echo-id 5 echo-seq 1
opt: option 94040000 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
syn6: tcp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 syn
ping6: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 128 echo-id 5 echo-seq 1
hop6: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext hop 010400000000
later6: udp 2001:db8:1::2 > 2001:db8:2::2 frag 16 id 7 hex 03e800500102030405060708
vlan: vlan 5 tcp 10.1.0.2:1000 > 10.2.0.2:80 syn
vlan6: vlan 4101 icmp6 2001:db8:1::2 > 2001:db8:2::2 type 128 echo-id 5 echo-seq 1
arp: frame ffffffffffff 020000000102 0806 0001080006040001 020000000102 0a010002 000000000000 0a010001
arpreply: frame 020000000101 020000000102 0806 0001080006040002 020000000102 0a010002 020000000101 0a010001
rarp: frame ffffffffffff 020000000102 8035 0001080006040003 020000000102 00000000 020000000102 00000000
odd: frame 020000000199 020000000102 88cc 0207040200000001
badip: frame 020000000202 020000000102 0800 65000020000100004001 8a54 0a0100020a020002 0800f7ff00000000
shortip: frame 020000000202 020000000102 0800 4500001400010000400600000a01
longip: frame 020000000202 020000000102 0800 450000ff00010000400600000a0100020a020002 03e80050
mcast: frame 01005e000005 020000000102 0800 4500001c00010000011100000a010002e0000005 0035003500080000
ether saddr 02:00:00:00:01:02 ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
ether daddr ff:ff:ff:ff:ff:ff ; arp rarp
ether daddr != ff:ff:ff:ff:ff:ff ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arpreply odd badip shortip longip mcast
ether daddr & 01:00:00:00:00:00 != 00:00:00:00:00:00 ; arp rarp mcast
ether daddr { 02:00:00:00:01:01, 02:00:00:00:01:99 } ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arpreply odd
ether type ip ; syn dns later ping opt badip shortip longip mcast
ether type ip6 ; syn6 ping6 hop6 later6
ether type arp ; arp arpreply
ether type 8021q ; vlan vlan6
ether type vlan ; vlan vlan6
ether type != { ip, ip6 } ; vlan vlan6 arp arpreply rarp odd
ether type 0x88cc ; odd
meta protocol ip ; syn dns later ping opt vlan badip shortip longip mcast
meta protocol ip6 ; syn6 ping6 hop6 later6 vlan6
meta protocol arp ; arp arpreply
meta protocol 8021q ;
meta protocol != ip ; syn6 ping6 hop6 later6 vlan6 arp arpreply rarp odd
vlan id 5 ; vlan vlan6
vlan id != 5 ;
vlan id 1-10 ; vlan vlan6
vlan pcp 0 ; vlan vlan6
vlan dei 1 ; vlan6
vlan type ip ; vlan
vlan type ip6 ; vlan6
vlan id 5 ip saddr 10.1.0.2 ; vlan
vlan id . ip saddr { 5 . 10.1.0.2 } ; vlan
ip saddr 10.1.0.2 ; syn dns later ping opt vlan badip longip mcast
ip saddr != 10.1.0.2 ;
ip protocol tcp ; syn vlan shortip longip
ip ttl 64 ; syn dns later ping opt vlan badip shortip longip
ip version != 4 ; badip
ip6 saddr 2001:db8:1::2 ; syn6 ping6 hop6 later6 vlan6
ip6 nexthdr { 0, 6 } ; syn6 hop6
tcp dport 80 ; syn syn6 vlan
tcp dport != 90 ; syn syn6 vlan
udp dport 53 ; dns mcast
udp dport 80 ; later hop6
th dport 80 ; syn later syn6 hop6 vlan
th sport 1000 ; syn later syn6 hop6 vlan
meta l4proto tcp ; syn syn6 vlan
meta l4proto != tcp ; dns later ping opt ping6 hop6 later6 vlan6 mcast
meta l4proto { icmp, icmpv6 } ; ping opt ping6 vlan6
icmp type echo-request ; ping opt
icmpv6 type echo-request ; ping6
icmp id 5 ; ping opt
icmpv6 id 5 ; ping6
arp operation request ; arp
arp operation != request ; arpreply
arp htype 1 ; arp arpreply
arp ptype ip ; arp arpreply
arp hlen 6 ; arp arpreply
arp plen 4 ; arp arpreply
arp saddr ip 10.1.0.2 ; arp arpreply
arp daddr ip 10.1.0.1 ; arp arpreply
arp saddr ether 02:00:00:00:01:02 ; arp arpreply
arp daddr ether 00:00:00:00:00:00 ; arp
arp operation . arp daddr ip { request . 10.1.0.1 } ; arp
exthdr hbh exists ; hop6
exthdr frag missing ; syn6 ping6 hop6
frag id 7 ; later6
ip option ra exists ; opt
tcp option maxseg exists ;
tcp option maxseg missing ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
iifname "r0" ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
iif "r0" ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
oifname "r0" ;
oif != "r0" ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
meta pkttype host ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arpreply
meta pkttype broadcast ; arp rarp
meta pkttype multicast ; mcast
meta pkttype other ; odd badip shortip longip
meta length 40 ; syn vlan
meta length 28-45 ; syn dns later ping opt vlan arp arpreply rarp badip mcast
meta mark 0x0 ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
iiftype ether ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
meta iifkind "veth" ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
@ll,0,48 0x020000000101 ; syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arpreply
@ll,96,16 0x8100 ; vlan vlan6
@ll,112,16 5 ; vlan
@ll,128,16 0x800 ; vlan arp arpreply rarp
@ll,112,8 0x45 ; syn dns later ping shortip longip mcast
@nh,0,8 0x45 ; syn dns later ping vlan shortip longip mcast
@nh,0,16 0x1 ; arp arpreply rarp
@th,16,16 80 ; syn later syn6 hop6 vlan
ether saddr . ether type { 02:00:00:00:01:02 . arp } ; arp arpreply
ether daddr . ip daddr { 02:00:00:00:01:01 . 10.2.0.2 } ; syn dns later ping opt vlan
meta ibrname "br0" ; ~ syn dns later ping opt syn6 ping6 hop6 later6 vlan vlan6 arp arpreply rarp odd badip shortip longip mcast
meta obrname "br0" ; ~
