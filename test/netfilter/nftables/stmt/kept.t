== limits of packets: a burst, then one a period; over is the rest
table ip t {
  chain f {
    {forward}
    udp dport 1 limit rate 1/hour burst 2 packets ip ttl set 9
    udp dport 2 limit rate over 1/hour burst 1 packets ip ttl set 9
    udp dport 3 limit rate 2/second burst 1 packets ip ttl set 9
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3
< wait 600 r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 9

== limits of bytes: what a bucket of rate and burst holds
table ip t {
  chain f {
    {forward}
    udp dport 1 limit rate 100 bytes/hour ip ttl set 9
    udp dport 2 limit rate 100 bytes/hour burst 40 bytes ip ttl set 9
    udp dport 3 limit rate over 1 kbytes/hour ip ttl set 9
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 len 60
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 len 60
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 len 40
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 len 140
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 len 1024
> r1 udp 10.1.0.2:1 > 10.2.0.2:3
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 9

== quotas: the packet that fills one up is still within it
table ip t {
  quota q { over 60 bytes used 10 bytes }
  chain f {
    {forward}
    udp dport 1 quota 88 bytes ip ttl set 9
    udp dport 2 quota over 60 bytes used 4 bytes ip ttl set 9
    udp dport 3 quota name "q" ip ttl set 9
    udp dport 4 quota name q ip ttl set 9
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 len 60
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:1 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 len 56
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:2 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:3
< r0 udp 10.1.0.2:1 > 10.2.0.2:4 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:4 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:3 len 28
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 9

== objects that rules share, and objects out of maps
table ip t {
  limit one { comment "a comment"; rate 1/hour burst 1 packets; }
  limit two { rate over 1/hour burst 1 packets }
  counter c { packets 5 bytes 500 }
  map m { type ipv4_addr : limit; elements = { 10.1.0.2 : "one", 10.1.0.3 : "two" } }
  chain f {
    {forward}
    udp dport 1 limit name "one" ip ttl set 9
    udp dport 2 limit name ip saddr map @m ip ttl set 8
    udp dport 3 counter name ip saddr map { 10.1.0.2 : "c" } ip ttl set 7
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2
< r0 udp 10.1.0.3:1 > 10.2.0.2:2
> r1 udp 10.1.0.3:1 > 10.2.0.2:2
< r0 udp 10.1.0.3:1 > 10.2.0.2:2
> r1 udp 10.1.0.3:1 > 10.2.0.2:2 ttl 8
< r0 udp 10.1.0.4:1 > 10.2.0.2:2
> r1 udp 10.1.0.4:1 > 10.2.0.2:2
< r0 udp 10.1.0.2:1 > 10.2.0.2:3
> r1 udp 10.1.0.2:1 > 10.2.0.2:3 ttl 7
< r0 udp 10.1.0.3:1 > 10.2.0.2:3
> r1 udp 10.1.0.3:1 > 10.2.0.2:3

== connections counted
table ip t {
  chain f {
    {forward}
    udp dport 1 ct count over 2 ip ttl set 9
    udp dport 2 ct count 1 ip ttl set 8
  }
}
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:2 > 10.2.0.2:1
> r1 udp 10.1.0.2:2 > 10.2.0.2:1
< r0 udp 10.1.0.2:1 > 10.2.0.2:1
> r1 udp 10.1.0.2:1 > 10.2.0.2:1
< r0 udp 10.1.0.2:3 > 10.2.0.2:1
> r1 udp 10.1.0.2:3 > 10.2.0.2:1 ttl 9
< r0 udp 10.1.0.2:1 > 10.2.0.2:2
> r1 udp 10.1.0.2:1 > 10.2.0.2:2 ttl 8
< r0 udp 10.1.0.2:2 > 10.2.0.2:2
> r1 udp 10.1.0.2:2 > 10.2.0.2:2
