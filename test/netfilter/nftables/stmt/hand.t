== a transparent socket takes the packet, and the rule goes on; without one it ends
table inet t {
  chain p {
    {prerouting}
    ip saddr 10.1.0.2 tcp dport 80 tproxy ip to :50080 tcp dport set 99
    ip saddr 10.1.0.3 tcp dport 80 tproxy ip to 10.1.0.1:50080
    tcp dport 81 tproxy ip to 10.2.0.1:50081 drop
    tcp dport 82 tproxy ip6 to [2001:db8:1::1]:50080
    tcp dport 83 tproxy to :50080 accept
  }
  chain late { type filter hook prerouting priority -140; tcp dport 99 drop; }
}
< r0 tcp 10.1.0.2:1 > 10.1.0.1:80 syn
< r0 tcp 10.1.0.3:1 > 10.1.0.1:79 syn
> r0 type 0x806
< r0 tcp 10.1.0.2:1 > 10.2.0.2:81 syn
> r1 tcp 10.1.0.2:1 > 10.2.0.2:81 S
< r0 tcp 10.1.0.2:1 > 10.2.0.2:82 syn
> r1 tcp 10.1.0.2:1 > 10.2.0.2:82 S
< r0 tcp 10.1.0.2:1 > 10.2.0.2:83 syn
< r0 tcp 10.1.0.2:1 > 10.1.0.1:83 syn
> r0 tcp 10.1.0.1:83 > 10.1.0.2:1 SA ttl 64
< r0 tcp [2001:db8:1::2]:1 > [2001:db8:1::1]:83 syn
> r0 tcp 2001:db8:1::1:83 > 2001:db8:1::2:1 SA ttl 64

== queues: who listens decides, nobody drops or lets by
only model nft_queue is not built into this kernel
table ip t {
  chain f {
    {forward}
    udp dport 1 queue
    udp dport 2 queue num 1 bypass
    udp dport 3 queue flags bypass to 2
    udp dport 4 queue flags bypass,fanout to 3-6
    udp dport 5 queue to numgen inc mod 2 offset 2
    udp dport 6 queue num 3-5
    udp dport 7 queue to udp sport map { 9 : 2 }
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:4
> r1 udp 10.1.0.2:1 > 10.2.0.2:4
< r0 udp 10.1.0.2:1 > 10.2.0.2:6
< r0 udp 10.1.0.2:1 > 10.2.0.2:7
> r1 udp 10.1.0.2:1 > 10.2.0.2:7
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
unsupported queue 2: a program in user space decides
< r0 udp 10.1.0.2:1 > 10.2.0.2:5
unsupported queue 2: a program in user space decides
< r0 udp 10.1.0.2:1 > 10.2.0.2:5
< r0 udp 10.1.0.2:9 > 10.2.0.2:7
unsupported queue 2: a program in user space decides

== what is read and not evaluated says so, to packets that come to it
only model most of it is not built into this kernel
table ip t {
  flowtable ft { hook ingress priority filter; devices = { r0, r1 }; }
  ct timeout slow { protocol tcp; l3proto ip; policy = { established : 10h } }
  chain f {
    {forward}
    udp dport 1 flow add @ft
    udp dport 2 synproxy mss 1460 wscale 7
    udp dport 3 xt match "owner"
    udp dport 4 fwd to "r1"
    udp dport 5 ct timeout set "slow"
    udp dport 7 dnat to
    udp dport 8 ip ttl 9 flow add @ft
    udp dport 9 th sport set th sport & 65283 | 3
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
unsupported nft: flow add @ft
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
unsupported nft: synproxy mss 1460 wscale 7
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
unsupported nft: xt match "owner"
< r0 udp 10.1.0.2:1 > 10.2.0.2:4
unsupported nft: fwd to "r1"
< r0 udp 10.1.0.2:1 > 10.2.0.2:5
unsupported nft: ct timeout set "slow"
< r0 udp 10.1.0.2:1 > 10.2.0.2:7
unsupported nft: udp dport 7 dnat to (something is missing)
< r0 udp 10.1.0.2:1 > 10.2.0.2:8
> r1 udp 10.1.0.2:1 > 10.2.0.2:8
< r0 udp 10.1.0.2:1 > 10.2.0.2:9
unsupported nft: th sport set th sport & 65283 | 3

== a helper for new connections of its protocol: what it may expect is not known
only model this kernel has no helpers
table ip t {
  ct helper ftp { type "ftp" protocol tcp; l3proto ip }
  chain f {
    {prerouting}
    tcp dport 21 ct helper set "ftp" ct event set new,destroy ct label set 3
    udp dport 21 ct helper set "ftp" ip ttl set 9
  }
}
< r0 tcp 10.1.0.2:1 > 10.2.0.2:21 syn
> r1 tcp 10.1.0.2:1 > 10.2.0.2:21 S
< r0 udp 10.1.0.9:1 > 10.2.0.2:21
> r1 udp 10.1.0.9:1 > 10.2.0.2:21 ttl 8
< r1 tcp 10.2.0.2:20 > 10.1.0.2:2 syn
unsupported conntrack helper ftp: it may expect this connection

== ARP in the log
only model this kernel does not log ARP
table arp t {
  chain i { type filter hook input priority 0; log prefix "arp " log prefix "all " flags all; }
}
< r0 arp 10.1.0.2 > 10.1.0.1
> r0 type 0x806
log arp IN=r0 OUT= ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=02:00:00:00:01:02 IPSRC=10.1.0.2 MACDST=00:00:00:00:00:00 IPDST=10.1.0.1
log all IN=r0 OUT= MACSRC=02:00:00:00:01:02 MACDST=02:00:00:00:01:01 MACPROTO=0806 ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=02:00:00:00:01:02 IPSRC=10.1.0.2 MACDST=00:00:00:00:00:00 IPDST=10.1.0.1
