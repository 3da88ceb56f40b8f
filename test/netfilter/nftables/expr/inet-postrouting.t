# Packets on their way out.
chain inet postrouting 0
fwd: udp 10.1.0.2:5000 > 10.2.0.2:53 data "hello"
fwd6: udp [2001:db8:1::2]:5000 > [2001:db8:2::2]:53 data "hello"
own: send udp 10.2.0.2 53 5001 mark 5
own6: send udp 2001:db8:2::2 53 5007
lo: send udp 127.0.0.1 53 5004
iif "r0" ; fwd fwd6
iif != "r0" ; own own6 lo
iifname "r0" ; fwd fwd6
iifname != "r0" ; own own6 lo
iifname != "lo" ; fwd fwd6 own own6 lo
iifname "r1" ;
iifname != "r1" ; fwd fwd6 own own6 lo
iiftype ether ; fwd fwd6 own own6
iifgroup 0 ; fwd fwd6
oif "r1" ; fwd fwd6 own own6
oifname "lo" ; lo
oifname != "lo" ; fwd fwd6 own own6
meta skuid 0 ; own own6 lo
ct state new ; fwd fwd6 own own6 lo
ct direction original ; fwd fwd6 own own6 lo
ct status 0x0 ;
ct status confirmed ;
ether saddr 02:00:00:00:01:02 ; fwd fwd6
ether type ip ; fwd
rt ip nexthop 10.2.0.2 ; fwd own
rt mtu 1460 ; fwd own
rt mtu 1440 ; fwd6 own6
fib daddr type local ; lo
fib daddr . oif type unicast ; fwd fwd6 own own6
meta mark 0x5 ; own
meta pkttype host ; fwd fwd6 own own6 lo
