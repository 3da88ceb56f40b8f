== reject: the default of a family, codes, and resets
table ip t {
  chain f {
    {forward}
    udp dport 1 reject
    udp dport 2 reject with icmp host-prohibited
    udp dport 3 reject with icmp admin-prohibited
    tcp dport 4 reject with tcp reset
    reject with tcp reset
    udp dport 5 reject with icmp type net-unreachable
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 3 ttl 64 tos 0xc0
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 10 ttl 64 tos 0xc0
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 13 ttl 64 tos 0xc0
< r0 tcp 10.1.0.2:1 > 10.2.0.2:4 syn
> r0 tcp 10.2.0.2:4 > 10.1.0.2:1 RA ttl 64
< r0 tcp 10.1.0.2:1 > 10.2.0.2:7 ack
> r0 tcp 10.2.0.2:7 > 10.1.0.2:1 R ttl 64
< r0 udp 10.1.0.2:1 > 10.2.0.2:5 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 0 ttl 64 tos 0xc0
< r0 tcp 10.1.0.2:1 > 10.2.0.2:4 rst

== reject in tables of both families
table inet t {
  chain f {
    {forward}
    udp dport 1 reject
    udp dport 2 reject with icmpx no-route
    udp dport 3 reject with icmpx host-unreachable
    udp dport 4 reject with icmpv6 policy-fail
    udp dport 4 reject with icmp host-unreachable
    tcp dport 5 reject with tcp reset
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 3 ttl 64 tos 0xc0
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:1 data "x"
> r0 icmp 2001:db8:1::1 > 2001:db8:1::2 type 1 code 4 ttl 64
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 0 ttl 64 tos 0xc0
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:2 data "x"
> r0 icmp 2001:db8:1::1 > 2001:db8:1::2 type 1 code 0 ttl 64
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 1 ttl 64 tos 0xc0
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:3 data "x"
> r0 icmp 2001:db8:1::1 > 2001:db8:1::2 type 1 code 3 ttl 64
< r0 udp 10.1.0.2:1 > 10.2.0.2:4 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 1 ttl 64 tos 0xc0
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:4 data "x"
> r0 icmp 2001:db8:1::1 > 2001:db8:1::2 type 1 code 5 ttl 64
< r0 tcp [2001:db8:1::2]:1 > [2001:db8:2::2]:5 syn
> r0 tcp 2001:db8:2::2:5 > 2001:db8:1::2:1 RA ttl 64

== reject before the routing decision
table inet t {
  chain f {
    {raw}
    udp dport 1 reject
    tcp dport 5 reject with tcp reset
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 data "hallo"
> r0 icmp 10.1.0.1 > 10.1.0.2 type 3 code 3 ttl 64 tos 0xc0
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:1 data "x"
> r0 icmp 2001:db8:1::1 > 2001:db8:1::2 type 1 code 4 ttl 64
< r0 tcp 10.1.0.2:1 > 10.2.0.2:5 syn
> r0 tcp 10.2.0.2:5 > 10.1.0.2:1 RA ttl 64
< r0 tcp [2001:db8:1::2]:1 > [2001:db8:2::2]:5 syn
> r0 tcp 2001:db8:2::2:5 > 2001:db8:1::2:1 RA ttl 64
< r0 tcp 10.1.0.2:1 > 10.1.0.1:5 syn
> r0 tcp 10.1.0.1:5 > 10.1.0.2:1 RA ttl 64

== log: prefix, level, flags, a group, audit
table inet t {
  chain f {
    {forward}
    udp dport 1 log
    udp dport 1 log prefix "all: " level info flags all
    udp dport 2 log prefix "ether " flags ether log prefix "group " group 5 log level audit
    tcp dport 3 log prefix "tcp " flags tcp sequence,options flags ip options level emerg
    tcp dport 3 log prefix "seq " level debug flags tcp sequence
    ip6 daddr 2001:db8:2::2 log prefix "six " flags all
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 id 5 df
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
log IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=5 DF PROTO=UDP SPT=1 DPT=1 LEN=8
log all: IN=r0 OUT=r1 MACSRC=02:00:00:00:01:02 MACDST=02:00:00:00:01:01 MACPROTO=0800 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=5 DF PROTO=UDP SPT=1 DPT=1 LEN=8
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 id 6
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
log ether IN=r0 OUT=r1 MACSRC=02:00:00:00:01:02 MACDST=02:00:00:00:01:01 MACPROTO=0800 SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=6 PROTO=UDP SPT=1 DPT=2 LEN=8
< r0 tcp 10.1.0.2:1 > 10.2.0.2:3 syn id 7
> r1 tcp 10.1.0.2:1 > 10.2.0.2:3 S
log tcp IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=40 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=TCP SPT=1 DPT=3 SEQ=0 ACK=0 WINDOW=65535 RES=0x00 SYN URGP=0
log seq IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:08:00 SRC=10.1.0.2 DST=10.2.0.2 LEN=40 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=TCP SPT=1 DPT=3 SEQ=0 ACK=0 WINDOW=65535 RES=0x00 SYN URGP=0
< r0 udp [2001:db8:1::2]:1 > [2001:db8:2::2]:1 data "x"
> r1 udp 2001:db8:1::2:1 > 2001:db8:2::2:1
log IN=r0 OUT=r1 MAC=02:00:00:00:01:01:02:00:00:00:01:02:86:dd SRC=2001:0db8:0001:0000:0000:0000:0000:0002 DST=2001:0db8:0002:0000:0000:0000:0000:0002 LEN=49 TC=0 HOPLIMIT=63 FLOWLBL=0 PROTO=UDP SPT=1 DPT=1 LEN=9
log all: IN=r0 OUT=r1 MACSRC=02:00:00:00:01:02 MACDST=02:00:00:00:01:01 MACPROTO=86dd SRC=2001:0db8:0001:0000:0000:0000:0000:0002 DST=2001:0db8:0002:0000:0000:0000:0000:0002 LEN=49 TC=0 HOPLIMIT=63 FLOWLBL=0 PROTO=UDP SPT=1 DPT=1 LEN=9
log six IN=r0 OUT=r1 MACSRC=02:00:00:00:01:02 MACDST=02:00:00:00:01:01 MACPROTO=86dd SRC=2001:0db8:0001:0000:0000:0000:0000:0002 DST=2001:0db8:0002:0000:0000:0000:0000:0002 LEN=49 TC=0 HOPLIMIT=63 FLOWLBL=0 PROTO=UDP SPT=1 DPT=1 LEN=9

== a copy to a gateway
table ip t {
  chain f {
    {forward}
    udp dport 1 dup to 10.2.0.3 device "r1" ip ttl set 9
    udp dport 2 dup to ip saddr map { 10.1.0.2 : 10.2.0.3 }
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2

== copies to a device and out by another, as the frames that they are
table netdev t {
  chain i {
    type filter hook ingress device "r0" priority 0;
    udp dport 1 dup to "r1" ip ttl set 9
    udp dport 2 fwd to "r1"
    udp dport 3 fwd to udp sport map { 1 : "r0" }
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 64 to 020000000101 from 020000000102
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 8
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 64 to 020000000101 from 020000000102
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r0 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 64 to 020000000101 from 020000000102
< r0 udp 10.1.0.2:9 > 10.2.0.2:3
> r1 udp 10.1.0.2:9 > 10.2.0.2:3
