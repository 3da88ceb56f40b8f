# Frames as a device takes them, before anybody has looked at them.
chain netdev ingress 0
syn: tcp 10.1.0.2:1000 > 10.2.0.2:80 syn
dns: udp 10.1.0.2:5000 > 10.2.0.2:53 data "hello"
later: udp 10.1.0.2 > 10.2.0.2 frag 16 id 7 hex 03e800500102030405060708
ping: icmp 10.1.0.2 > 10.2.0.2 type 8 echo-id 5 echo-seq 1
opt: option 94040000 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
syn6: tcp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 syn
ping6: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 128 echo-id 5 echo-seq 1
hop6: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext hop 010400000000
arp: frame ffffffffffff 020000000102 0806 0001080006040001 020000000102 0a010002 000000000000 0a010001
badip: frame 020000000101 020000000102 0800 65000020000100004001 8a54 0a0100020a020002 0800f7ff00000000
longip: frame 020000000101 020000000102 0800 450000ff00010000400600000a0100020a020002 03e80050
ip saddr 10.1.0.2 ; syn dns later ping opt badip longip
ip saddr != 10.1.0.2 ;
ip protocol tcp ; syn longip
ip6 saddr 2001:db8:1::2 ; syn6 ping6 hop6
tcp dport 80 ; syn syn6
udp dport != 80 ; dns
th dport 80 ; syn later syn6 hop6
meta l4proto tcp ; syn syn6
meta l4proto { icmp, icmpv6 } ; ping opt ping6
icmp type echo-request ; ping opt
icmpv6 type echo-request ; ping6
ether type ip ; syn dns later ping opt badip longip
ether type arp ; arp
ether saddr 02:00:00:00:01:02 ; syn dns later ping opt syn6 ping6 hop6 arp badip longip
ether daddr ff:ff:ff:ff:ff:ff ; arp
meta protocol ip ; syn dns later ping opt badip longip
meta protocol arp ; arp
meta protocol != { ip, ip6 } ; arp
arp operation request ; arp
arp daddr ip 10.1.0.1 ; arp
exthdr hbh exists ; hop6
ip option ra exists ; opt
tcp option maxseg missing ; syn dns later ping opt syn6 ping6 hop6 arp badip longip
iifname "r0" ; syn dns later ping opt syn6 ping6 hop6 arp badip longip
iif "r0" ; syn dns later ping opt syn6 ping6 hop6 arp badip longip
oifname "r0" ;
meta pkttype host ; syn dns later ping opt syn6 ping6 hop6 badip longip
meta pkttype broadcast ; arp
meta length 28-45 ; syn dns later ping opt arp badip
meta mark 0x0 ; syn dns later ping opt syn6 ping6 hop6 arp badip longip
iiftype ether ; syn dns later ping opt syn6 ping6 hop6 arp badip longip
@nh,0,8 0x45 ; syn dns later ping longip
@ll,96,16 0x800 ; syn dns later ping opt badip longip
@th,16,16 80 ; syn later syn6 hop6
ip saddr . th dport { 10.1.0.2 . 80 } ; syn later
ip dscp cs0 ; syn dns later ping opt badip longip
