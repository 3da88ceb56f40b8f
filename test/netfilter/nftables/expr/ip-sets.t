# Sets and maps of all kinds of keys; packets of SCTP; a connection that a rule gave a template.
chain ip prerouting -250
set typed { typeof ip saddr . tcp dport . meta iifname; elements = { 10.1.0.2 . 80 . "r0", 10.1.0.3 . 80 . "lo" }; }
set wide { type ipv4_addr . ipv4_addr . inet_proto . inet_service; flags interval; elements = { 10.1.0.0/24 . 10.2.0.0-10.2.0.5 . udp . 50-60, 0.0.0.0/0 . 10.2.0.2 . tcp . 443 }; }
set cover { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/24, 10.1.0.2, 10.1.0.128/25 }; }
set all4 { type ipv4_addr; flags interval; elements = { 0.0.0.0/0 }; }
set none { type ipv4_addr; }
set timed { type ipv4_addr; timeout 1h; elements = { 10.1.0.2, 10.1.0.3 timeout 2h }; }
set marks { type mark; flags interval; elements = { 0x0-0x5, 0x10 }; }
set bits { type tcp_flag; elements = { syn | ack, syn }; }
set states { type ct_state; elements = { new, established }; }
set options { typeof tcp option maxseg size; elements = { 1400 }; }
set services { type inet_proto . inet_service; flags interval; elements = { tcp . 0-1023, udp . 53 }; }
set dscps { typeof ip dscp; elements = { cs1, af11 }; }
set macs { type ether_addr . ipv4_addr; elements = { 02:00:00:00:01:02 . 10.1.0.2 }; }
set ifs { type ifname; elements = { "r0" }; }
set ids { typeof ip id; flags interval; elements = { 1-7, 4660 }; }
map v { type ipv4_addr . inet_service : verdict; flags interval; elements = { 10.1.0.0/24 . 80 : continue, 10.1.0.3 . 81 : continue }; }
map vv { type mark : verdict; elements = { 0x0 : continue }; }
syn: tcp 10.1.0.2:1000 > 10.2.0.2:80 syn mss 1400
synack: tcp 10.1.0.2:1000 > 10.2.0.2:443 syn ack id 7
rst: tcp 10.1.0.3:1000 > 10.2.0.2:81 rst tos 0x20 id 4660
dns: udp 10.1.0.2:5000 > 10.2.0.3:53 data "hello" tos 0x2b
dns9: udp 10.1.0.200:5000 > 10.2.0.9:53 data "hello" id 8
far: udp 192.168.1.1:5000 > 10.2.0.9:5353
data: sctp 10.1.0.2:7 > 10.2.0.2:80 vtag 9 hex 000300140000000100020003000000040102030400000000
init: sctp 10.1.0.2:7 > 10.2.0.2:80 hex 010000140000000500001000000a000b00000001
two: sctp 10.1.0.2:7 > 10.2.0.2:80 hex 0a00000701020300030000100000000700001000000000000b000004
cut: sctp 10.1.0.2:7 > 10.2.0.2:80 hex 00030040000000010002
ip saddr . tcp dport . iifname @typed ; syn
ip saddr . ip daddr . ip protocol . th dport @wide ; synack dns
ip saddr . ip daddr . ip protocol . th dport != @wide ; syn rst dns9 far data init two cut
ip saddr . ip daddr . meta l4proto . udp dport @wide ; dns
ip saddr @cover ; syn synack rst dns dns9 data init two cut
ip saddr @all4 ; syn synack rst dns dns9 far data init two cut
ip saddr @none ;
ip saddr != @none ; syn synack rst dns dns9 far data init two cut
ip saddr @timed ; syn synack rst dns data init two cut
meta mark @marks ; syn synack rst dns dns9 far data init two cut
tcp flags @bits ; syn synack
tcp flags != @bits ; rst
ct state @states ;
tcp option maxseg size @options ; syn
ip protocol . th dport @services ; syn synack rst dns dns9
meta l4proto . th dport @services ; syn synack rst dns dns9
meta l4proto . th dport != @services ; far data init two cut
ip dscp @dscps ; rst dns
ip dscp != @dscps ; syn synack dns9 far data init two cut
ether saddr . ip saddr @macs ; syn synack dns data init two cut
iifname @ifs ; syn synack rst dns dns9 far data init two cut
iifname != @ifs ;
ip id @ids ; synack rst
ip saddr . tcp dport vmap @v ; syn rst
meta mark vmap @vv ; syn synack rst dns dns9 far data init two cut
ip saddr vmap { 10.1.0.2 : continue, 10.1.0.128/25 : continue } ; syn synack dns dns9 data init two cut
tcp dport vmap { 80-90 : continue, 443 : continue } ; syn synack rst
iifname vmap { "r0" : continue, "lo" : drop } ; syn synack rst dns dns9 far data init two cut
meta l4proto vmap { tcp : continue, udp : continue } ; syn synack rst dns dns9 far
ip saddr . ip daddr vmap { 10.1.0.2 . 10.2.0.2 : continue } ; syn synack data init two cut
ip protocol . ip dscp { tcp . cs1, udp . af11 } ; rst dns
ip saddr . ip ttl { 10.1.0.2 . 64 } ; syn synack dns data init two cut
ip length . ip id { 40 . 7, 44 . 0 } ; syn synack
ip saddr . ip saddr & 0.0.0.255 { 10.1.0.2 . 0.0.0.2 } ; syn synack dns data init two cut
tcp dport . tcp flags { 443 . 0x12 } ; synack
sctp chunk data exists ; data cut
sctp chunk data missing ; syn synack rst dns dns9 far init two
sctp chunk data tsn 1 ; data
sctp chunk data stream 2 ; data
sctp chunk data ssn 3 ; data
sctp chunk data ppid 4 ; data
sctp chunk data flags 3 ; data
sctp chunk data type 0 ; data
sctp chunk data length 20 ; data
sctp chunk init exists ; init
sctp chunk init init-tag 5 ; init
sctp chunk init num-inbound-streams 11 ; init
sctp chunk init initial-tsn 1 ; init
sctp chunk sack cum-tsn-ack 7 ; two
sctp chunk sack a-rwnd 4096 ; two
sctp chunk cookie-echo exists ; two
sctp chunk cookie-ack exists ; two
sctp chunk cookie-ack length 4 ; two
sctp chunk heartbeat missing ; syn synack rst dns dns9 far data init two cut
ct zone set 5 ; syn synack rst dns dns9 far data init two cut
ct state new ; syn synack rst dns dns9 far data init two cut
ct state established ;
ct state invalid ;
ct state untracked ;
ct state != new ;
ct zone 5 ;
ct mark 0x0 ;
ct direction original ;
ct status 0x0 ;
ct protocol tcp ;
