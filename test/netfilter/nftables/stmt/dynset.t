== packets add to sets and take out of them; what is gone takes its place until it is collected
table ip t {
  set seen { type ipv4_addr; flags dynamic; size 2; }
  chain f {
    {forward}
    udp dport 1 add @seen { ip saddr } ip ttl set 9
    udp dport 2 delete @seen { ip saddr } ip ttl set 8
    ip saddr @seen ip dscp set ef
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:5
> r1 udp 10.1.0.2:1 > 10.2.0.2:5
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9 tos 0xb8
< r0 udp 10.1.0.2:1 > 10.2.0.2:5
> r1 udp 10.1.0.2:1 > 10.2.0.2:5 tos 0xb8
< r0 udp 10.1.0.3:1 > 10.2.0.2:1
> r1 udp 10.1.0.3:1 > 10.2.0.2:1 ttl 9 tos 0xb8
< r0 udp 10.1.0.4:1 > 10.2.0.2:1
> r1 udp 10.1.0.4:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 8
< r0 udp 10.1.0.4:1 > 10.2.0.2:1
> r1 udp 10.1.0.4:1 > 10.2.0.2:1
< wait 2200 r0 udp 10.1.0.4:1 > 10.2.0.2:1
> r1 udp 10.1.0.4:1 > 10.2.0.2:1 ttl 9 tos 0xb8
< r0 udp 10.1.0.9:1 > 10.2.0.2:2
> r1 udp 10.1.0.9:1 > 10.2.0.2:2 ttl 8

== times: add leaves them, update starts them again
table ip t {
  set a { type ipv4_addr; flags dynamic,timeout; timeout 400ms; }
  set b { type ipv4_addr; flags dynamic,timeout; timeout 400ms; }
  set c { type ipv4_addr; flags dynamic,timeout; }
  chain f {
    {forward}
    udp dport 1 add @a { ip saddr } update @b { ip saddr } add @c { ip saddr timeout 300ms }
    ip saddr @a ip dscp set ef
    ip saddr @b ip ttl set 9
    ip saddr @c ip ecn set ce
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9 tos 0xbb
< wait 200 r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9 tos 0xbb
< wait 250 r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 9
< wait 300 r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2

== a limit of each source, in an element, a meter, a set's definition and a listing
table ip t {
  set s { type ipv4_addr; flags dynamic; size 100; }
  set d { type ipv4_addr; flags dynamic; size 100; limit rate 1/hour burst 1 packets; }
  set l { type ipv4_addr; limit rate 1/hour burst 1 packets; elements = { 10.1.0.2 limit rate 1/hour burst 1 packets, 10.1.0.3 limit rate 1/hour burst 1 packets } }
  chain f {
    {forward}
    udp dport 1 add @s { ip saddr limit rate 1/hour burst 1 packets } ip ttl set 9
    udp dport 2 meter m { ip saddr limit rate over 1/hour burst 1 packets } ip ttl set 9
    udp dport 3 add @d { ip saddr } ip ttl set 9
    udp dport 4 ip saddr @l ip ttl set 9
    udp dport 5 ip saddr != @l ip ttl set 9
    udp dport 6 add @s { ip saddr ct count over 1 } ip ttl set 9
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.3:1 > 10.2.0.2:1
> r1 udp 10.1.0.3:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 9
< r0 udp 10.1.0.3:1 > 10.2.0.2:2
> r1 udp 10.1.0.3:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3
< r0 udp 10.1.0.2:1 > 10.2.0.2:4
> r1 udp 10.1.0.2:1 > 10.2.0.2:4 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:4
> r1 udp 10.1.0.2:1 > 10.2.0.2:4
< r0 udp 10.1.0.3:1 > 10.2.0.2:4
> r1 udp 10.1.0.3:1 > 10.2.0.2:4 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:5
> r1 udp 10.1.0.2:1 > 10.2.0.2:5
< r0 udp 10.1.0.4:1 > 10.2.0.2:5
> r1 udp 10.1.0.4:1 > 10.2.0.2:5 ttl 9

== maps that packets fill
table ip t {
  map m { type ipv4_addr : mark; flags dynamic; size 10; }
  map back { type ipv4_addr . inet_service : ipv4_addr . inet_service; flags dynamic; size 10; }
  chain p {
    {prerouting}
    udp dport 1 meta mark set 0x7 update @m { ip saddr : meta mark }
    udp dport 2 meta mark set 0x8 update @m { ip saddr : meta mark }
    meta mark set ip saddr map @m
  }
  chain f {
    {forward}
    meta mark 0x7 ip ttl set 7
    meta mark 0x8 ip ttl set 8
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 7
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 7
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 7
< r0 udp 10.1.0.3:1 > 10.2.0.2:3
> r1 udp 10.1.0.3:1 > 10.2.0.2:3
