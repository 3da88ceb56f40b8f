== marks, priorities and the trace bit are written in their order; what stands behind a comparison that fails is not done
table ip t {
  chain c {
    {prerouting}
    udp dport 1 meta mark set 0x10 ip ttl 9 meta mark set 0x20
    udp dport 2 mark set meta mark or 0x3 meta priority set 1:2
    udp dport 3 meta mark set ip saddr map { 10.1.0.2 : 0x77 }
    udp dport 4 meta mark set ip saddr map { 10.1.0.9 : 0x77 } drop
  }
  chain f {
    {forward}
    log prefix "f "
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 id 1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
log f IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=1 DPT=1 LEN=8 MARK=0x10
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 id 2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
log f IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=2 PROTO=UDP SPT=1 DPT=2 LEN=8 MARK=0x3
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 id 3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3
log f IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=3 PROTO=UDP SPT=1 DPT=3 LEN=8 MARK=0x77
< r0 udp 10.1.0.2:1 > 10.2.0.2:4 id 4
> r1 udp 10.1.0.2:1 > 10.2.0.2:4
log f IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=4 PROTO=UDP SPT=1 DPT=4 LEN=8

== the mark of a connection, and what has none
table ip t {
  chain r {
    {raw}
    udp dport 9 notrack
  }
  chain c {
    {forward}
    udp dport { 1, 9 } ct mark set 0x5 counter ip ttl set 7
    udp sport 1 meta mark set ct mark mark 0x5 ip ttl set 5
  }
}
< r0 udp 10.1.0.2:7 > 10.2.0.2:1
> r1 udp 10.1.0.2:7 > 10.2.0.2:1 ttl 7
< r1 udp 10.2.0.2:1 > 10.1.0.2:7
> r0 udp 10.2.0.2:1 > 10.1.0.2:7 ttl 5
< r0 udp 10.1.0.2:7 > 10.2.0.2:9
> r1 udp 10.1.0.2:7 > 10.2.0.2:9 ttl 7

== zones of connections keep flows apart; a zone for one direction
table ip t {
  chain r {
    {raw}
    udp dport 1 ct zone set 3
    iifname "r1" ct zone set 3
    udp dport 2 ct original zone set 4
  }
  chain c {
    {forward}
    ct zone 3 ip ttl set 33
    ct original zone 4 ip ttl set 44
    ct state established ip dscp set ef
  }
}
< r0 udp 10.1.0.2:7 > 10.2.0.2:1
> r1 udp 10.1.0.2:7 > 10.2.0.2:1 ttl 33
< r1 udp 10.2.0.2:1 > 10.1.0.2:7
> r0 udp 10.2.0.2:1 > 10.1.0.2:7 ttl 33 tos 0xb8
< r0 udp 10.1.0.2:7 > 10.2.0.2:2
> r1 udp 10.1.0.2:7 > 10.2.0.2:2 ttl 44
< r1 udp 10.2.0.2:2 > 10.1.0.2:7
> r0 udp 10.2.0.2:2 > 10.1.0.2:7 ttl 33

== fields of headers with the checksums that nft asks for
listing th is shown as udp, and a write to ICMP as one to th: the checksum is lost
table ip t {
  chain c {
    {forward}
    tcp dport 1 ip saddr set 10.1.0.77 ip dscp set cs1 ip ecn set ce ip ttl set 5
    tcp dport 2 tcp dport set 80 tcp flags set syn|ack tcp window set 7 tcp sequence set 9
    udp dport 3 udp dport set 80 udp sport set 81 ip id set 7 ip saddr set 10.1.0.7
    udp dport 4 th dport set 80
    udp dport 5 @th,16,16 set 5555 @nh,64,8 set 9
    icmp type echo-request icmp code set 3 icmp id set 9 icmp sequence set 77
    udp dport 6 udp checksum set 0 ip checksum set 0
  }
}
< r0 tcp 10.1.0.2:1 > 10.2.0.2:1 syn
> r1 tcp 10.1.0.77:1 > 10.2.0.2:1 S ttl 5 tos 0x23
< r0 tcp 10.1.0.2:1 > 10.2.0.2:2 syn
> r1 tcp 10.1.0.2:1 > 10.2.0.2:80 SA
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 data "hallo"
> r1 udp 10.1.0.7:81 > 10.2.0.2:80
< r0 udp 10.1.0.2:1 > 10.2.0.2:4 data "hallo"
> r1 udp 10.1.0.2:1 > 10.2.0.2:80 sum wrong
< r0 udp 10.1.0.2:1 > 10.2.0.2:5 data "hallo"
> r1 udp 10.1.0.2:1 > 10.2.0.2:5555 ttl 9 header sum wrong sum wrong
< r0 icmp 10.1.0.2 > 10.2.0.2
> r1 icmp 10.1.0.2 > 10.2.0.2 type 8 code 3
< r0 udp 10.1.0.2:1 > 10.2.0.2:6 data "hallo"
> r1 udp 10.1.0.2:1 > 10.2.0.2:6 header sum wrong

== IPv6 headers have no checksum, and their addresses are in that of the transport
listing a write to ICMPv6 is shown as one to th
table ip6 t {
  chain c {
    {forward}
    udp dport 1 ip6 hoplimit set 5 ip6 dscp set ef ip6 flowlabel set 0x12345
    udp dport 2 ip6 saddr set 2001:db8:1::77 ip6 daddr set 2001:db8:2::2
    icmpv6 type echo-request icmpv6 code set 4
    tcp dport 3 ip6 daddr set 2001:db8:2::2 tcp dport set 88
  }
}
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:1 data "x"
> r1 udp 2001:db8:1::2:1 > 2001:db8:2::2:1 ttl 5 tos 0xb8
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:2 data "x"
> r1 udp 2001:db8:1::77:1 > 2001:db8:2::2:2
< r0 icmp6 2001:db8:1::2 > 2001:db8:2::2
> r1 icmp 2001:db8:1::2 > 2001:db8:2::2 type 128 code 4
< r0 tcp [2001:db8:1::2]:1 > [2001:db8:2::99]:3 syn
> r1 tcp 2001:db8:1::2:1 > 2001:db8:2::2:88 S

== destinations written before the routing decision, later fragments have no transport header
table ip t {
  chain c {
    {raw}
    udp dport 1 ip daddr set 10.2.0.3
    ip daddr 10.2.0.2 @th,16,16 set 7
  }
}
< r0 udp 10.1.0.2:1 > 10.9.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.3:1
< r0 udp 10.1.0.2 > 10.2.0.2 frag 1480 raw hex 00112233
> r1 udp 10.1.0.2:-1 > 10.2.0.2:-1

== link addresses of what is forwarded are written anew
table ip t {
  chain c {
    {forward}
    ether saddr set 02:00:00:00:00:09 ether daddr 02:00:00:00:01:01 ip ttl set 9
    ether saddr 02:00:00:00:00:09 ip dscp set cs2
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9 tos 0x40

== a sum that would be 0 is written as 0xffff
table ip t {
  chain c {
    {forward}
    udp dport 1 udp sport set 0xdd73
    tcp dport 2 tcp window set 0
  }
}
< r0 udp 10.1.0.2:7 > 10.2.0.2:1 data "hallo"
> r1 udp 10.1.0.2:56691 > 10.2.0.2:1

== options of TCP: a size is only lowered, a removed option is NOPs, one that does not end drops the packet
table inet t {
  chain c {
    {forward}
    tcp dport 1 tcp option maxseg size set 900 ip ttl set 9
    tcp dport 2 tcp flags syn tcp option maxseg size set rt mtu ip ttl set 8
    tcp dport { 3, 4 } reset tcp option timestamp ip ttl set 7
    tcp dport 5 reset tcp option timestamp ip ttl set 6
    tcp dport 6 reset tcp option maxseg reset tcp option sack-perm ip ttl set 5
    udp dport 1 reset tcp option maxseg ip ttl set 4
  }
  chain late {
    type filter hook forward priority 10;
    tcp option maxseg size 900 ip dscp set cs1
    tcp option maxseg size 1200 ip dscp set cs2
    tcp option maxseg size 700 ip dscp set cs3
    tcp option timestamp exists ip dscp set cs4
    tcp option sack-perm exists ip dscp set cs5
  }
}
< r0 tcp 10.1.0.2:1 > 10.2.0.2:1 syn mss 1400
> r1 tcp 10.1.0.2:1 > 10.2.0.2:1 S ttl 9 tos 0x20
< r0 tcp 10.1.0.2:1 > 10.2.0.2:1 syn mss 700
> r1 tcp 10.1.0.2:1 > 10.2.0.2:1 S ttl 9 tos 0x60
< r0 tcp 10.1.0.2:1 > 10.2.0.2:1 syn
> r1 tcp 10.1.0.2:1 > 10.2.0.2:1 S ttl 9
< r0 tcp 10.1.0.2:1 > 10.2.0.2:2 syn mss 1200
> r1 tcp 10.1.0.2:1 > 10.2.0.2:2 S ttl 8 tos 0x40
< r0 tcp 10.1.0.2:1 > 10.2.0.2:2 ack
> r1 tcp 10.1.0.2:1 > 10.2.0.2:2 A
< r0 tcp 10.1.0.2 > 10.2.0.2 raw hex 0001000300000000000000008002ffff62be00000101080a0000000100000002
> r1 tcp 10.1.0.2:1 > 10.2.0.2:3 S ttl 7
< r0 tcp 10.1.0.2 > 10.2.0.2 raw hex 0001000400000000000000009002ffff4bab00000402080a00000001000000020103030a
> r1 tcp 10.1.0.2:1 > 10.2.0.2:4 S ttl 7 tos 0xa0
< r0 tcp 10.1.0.2 > 10.2.0.2 raw hex 0001000500000000000000006002ffff82c700000101080a
< r0 tcp 10.1.0.2:1 > 10.2.0.2:6 syn mss 700
> r1 tcp 10.1.0.2:1 > 10.2.0.2:6 S ttl 5
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1

== bits of any place and length
table ip t {
  chain c {
    {forward}
    udp dport 1 @nh,12,4 set 5
    udp dport 2 @nh,96,64 set 0x0a0100070a020003
    udp dport 3 @th,80,12 set 0x616
    udp dport 3 @th,64,16 0x6161 ip ttl set 9
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 tos 0x5 header sum wrong
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.7:1 > 10.2.0.3:2 header sum wrong sum wrong
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 data "aaaaa"
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 9
