== dnat to an address and port, snat to an address, and the answers
table ip t {
  chain d {
    {dstnat}
    tcp dport 81 dnat to 10.2.0.2:80
    udp dport 82 dnat to 10.2.0.3
    udp dport 83 dnat to :53
  }
  chain s {
    {srcnat}
    udp dport 53 snat to 10.2.0.1:5000-5000
    tcp dport 80 snat to 10.2.0.1 persistent
  }
}
< r0 tcp 10.1.0.2:1000 > 10.1.0.1:81 syn
> r1 tcp 10.2.0.1:1000 > 10.2.0.2:80 S
< r1 tcp 10.2.0.2:80 > 10.2.0.1:1000 syn ack
> r0 tcp 10.1.0.1:81 > 10.1.0.2:1000 SA
< r0 udp 10.1.0.2:1000 > 10.2.0.2:82
> r1 udp 10.1.0.2:1000 > 10.2.0.3:82
< r0 udp 10.1.0.2:1000 > 10.2.0.2:83
> r1 udp 10.2.0.1:5000 > 10.2.0.2:53
< r1 udp 10.2.0.2:53 > 10.2.0.1:5000
> r0 udp 10.2.0.2:83 > 10.1.0.2:1000

== masquerade and redirect
table ip t {
  chain d {
    {dstnat}
    tcp dport 2222 redirect to :22
    udp dport 9 redirect
  }
  chain s {
    {srcnat}
    oifname "r1" meta l4proto { tcp, udp } masquerade to :4000-4000
    oifname "r1" masquerade
  }
}
< r0 tcp 10.1.0.2:1000 > 10.2.0.2:2222 syn
> r0 tcp 10.2.0.2:2222 > 10.1.0.2:1000 SA ttl 64
< r0 udp 10.1.0.2:7 > 10.2.0.2:1
> r1 udp 10.2.0.1:4000 > 10.2.0.2:1
< r0 icmp 10.1.0.2 > 10.2.0.2 echo-id 7
> r1 icmp 10.2.0.1 > 10.2.0.2 type 8 code 0

== addresses and ports out of maps; what a map lacks ends the rule
table ip t {
  map to { type ipv4_addr : ipv4_addr; elements = { 10.9.0.1 : 10.2.0.2, 10.9.0.2 : 10.2.0.3 } }
  map both { type inet_service : ipv4_addr . inet_service; elements = { 90 : 10.2.0.2 . 900, 91 : 10.2.0.3 . 910 } }
  map net { type ipv4_addr : interval ipv4_addr; flags interval; elements = { 10.8.0.0/24 : 10.2.0.0/24 } }
  chain d {
    {dstnat}
    udp dport 7 dnat to ip daddr map @to
    udp dport { 90, 91, 92 } dnat ip to udp dport map @both
    udp dport 93 dnat to ip daddr map { 10.9.0.1 : 10.2.0.2 } : udp dport map { 93 : 930 }
    udp dport 94 dnat ip prefix to ip daddr map @net
    udp dport 95 dnat to :udp dport map { 95 : 950 }
    udp dport 96 dnat prefix to 10.2.0.0/24
    counter dnat to numgen inc mod 2 map { 0 : 10.2.0.2, 1 : 10.2.0.3 }
  }
}
< r0 udp 10.1.0.2:1 > 10.9.0.1:7
> r1 udp 10.1.0.2:1 > 10.2.0.2:7
< r0 udp 10.1.0.2:1 > 10.9.0.2:7
> r1 udp 10.1.0.2:1 > 10.2.0.3:7
< r0 udp 10.1.0.2:1 > 10.9.0.1:90
> r1 udp 10.1.0.2:1 > 10.2.0.2:900
< r0 udp 10.1.0.2:1 > 10.9.0.1:91
> r1 udp 10.1.0.2:1 > 10.2.0.3:910
< r0 udp 10.1.0.2:1 > 10.9.0.1:92
> r1 udp 10.1.0.2:1 > 10.2.0.2:92
< r0 udp 10.1.0.2:1 > 10.9.0.1:93
> r1 udp 10.1.0.2:1 > 10.2.0.2:930
< r0 udp 10.1.0.2:1 > 10.8.0.3:94
> r1 udp 10.1.0.2:1 > 10.2.0.3:94
< r0 udp 10.1.0.2:1 > 10.2.0.2:95
> r1 udp 10.1.0.2:1 > 10.2.0.2:950
< r0 udp 10.1.0.2:1 > 10.77.0.3:96
> r1 udp 10.1.0.2:1 > 10.2.0.3:96
< r0 udp 10.1.0.2:2 > 10.9.0.3:7
> r1 udp 10.1.0.2:2 > 10.2.0.3:7

== both families in one table
table inet t {
  chain d {
    {dstnat}
    tcp dport 81 dnat ip to 10.2.0.2:80
    tcp dport 81 dnat ip6 to [2001:db8:2::2]:80
    udp dport 82 dnat ip6 to 2001:db8:2::2
    udp dport 82 dnat ip to 10.2.0.2
    udp dport 83 dnat ip6 to [2001:db8:2::2]-[2001:db8:2::2]:53
    udp dport 84 redirect to :85
  }
  chain i { type filter hook input priority 0; udp dport 85 reject; }
  chain s {
    {srcnat}
    udp dport { 53, 82 } masquerade
  }
}
< r0 tcp 10.1.0.2:1 > 10.1.0.1:81 syn
> r1 tcp 10.1.0.2:1 > 10.2.0.2:80 S
< r0 tcp [2001:db8:1::2]:1 > [2001:db8:1::1]:81 syn
> r1 tcp 2001:db8:1::2:1 > 2001:db8:2::2:80 S
< r0 udp [2001:db8:1::2]:1 > [2001:db8:1::1]:82 data "x"
> r1 udp 2001:db8:2::1:1 > 2001:db8:2::2:82
< r0 udp 10.1.0.2:1 > 10.1.0.1:82
> r1 udp 10.2.0.1:1 > 10.2.0.2:82
< r0 udp [2001:db8:1::2]:1 > [2001:db8:1::1]:83 data "x"
> r1 udp 2001:db8:2::1:1 > 2001:db8:2::2:53
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:84 data "x"
> r0 icmp 2001:db8:2::2 > 2001:db8:1::2 type 1 code 4 ttl 64
< r0 udp 10.1.0.2:1 > 10.2.0.2:84 data "x"
> r0 icmp 10.2.0.2 > 10.1.0.2 type 3 code 3 ttl 64 tos 0xc0

== connection tracking only for the family that a rule of NAT names
table inet t {
  chain d {
    {dstnat}
    udp dport 82 dnat ip to 10.2.0.2
    log prefix "d "
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:9 id 5
> r1 udp 10.1.0.2:1 > 10.2.0.2:9
log d IN=r0 OUT= MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=5 PROTO=UDP SPT=1 DPT=9 LEN=8
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:9 data "x"
> r1 udp 2001:db8:1::2:1 > 2001:db8:2::2:9
