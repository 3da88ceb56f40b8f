# Packets of the router's own.
chain inet output 0
dns: send udp 10.2.0.2 53 5000
marked: send udp 10.2.0.2 53 5001 mark 5
tos: send udp 10.1.0.2 53 5002 mark 5 tos 32
own: send udp 10.1.0.1 53 5003
lo: send udp 127.0.0.1 53 5004
cast: send udp 10.1.0.255 53 5005
multi: send udp 224.0.0.9 53 5006
six: send udp 2001:db8:2::2 53 5007
six5: send udp 2001:db8:1::2 53 5008 mark 5 tos 32
own6: send udp 2001:db8:2::1 53 5009
lo6: send udp ::1 53 5010
iif "r0" ;
iif != "r0" ; dns marked tos own lo cast six six5 own6 lo6
iifname "r0" ;
iifname != "r0" ; dns marked tos own lo cast six six5 own6 lo6
iifname "r*" ;
iifname != "r*" ; dns marked tos own lo cast six six5 own6 lo6
iifname { "r0", "lo" } ;
iifname != { "r0", "lo" } ; dns marked tos own lo cast six six5 own6 lo6
iiftype ether ;
iiftype != ether ;
iifgroup 0 ;
oif "r1" ; dns marked six
oif "lo" ; own lo own6 lo6
oifname "r1" ; dns marked six
oifname { "lo", "r0" } ; tos own lo cast six5 own6 lo6
oiftype loopback ; own lo own6 lo6
oiftype ether ; dns marked tos cast six six5
meta oifkind "veth" ; dns marked tos cast six six5
meta iifkind "veth" ;
meta skuid 0 ; dns marked tos own lo cast six six5 own6 lo6
meta skuid 0-5 ; dns marked tos own lo cast six six5 own6 lo6
meta skuid != 0 ;
meta skuid { 0, 1000 } ; dns marked tos own lo cast six six5 own6 lo6
meta skgid 0 ; dns marked tos own lo cast six six5 own6 lo6
meta skgid root ; dns marked tos own lo cast six six5 own6 lo6
meta mark 0x5 ; marked tos six5
meta mark 0x1-0x5 ; marked tos six5
meta mark & 0x4 == 0x4 ; marked tos six5
meta mark 0x5-0x5 ; marked tos six5
meta mark != 0x1-0x5 ; dns own lo cast six own6 lo6
meta mark { 0x1-0x5, 0x9 } ; marked tos six5
meta mark > 0x4 ; marked tos six5
meta mark . oif { 0x5 . "r0" } ; tos six5
meta mark . ip daddr { 0x5 . 10.1.0.2 } ; tos
ip daddr . meta mark { 10.0.0.0/8 . 0x1-0x5 } ; marked tos
meta priority 0:0 ; dns marked tos own lo cast six six5 own6 lo6
meta priority none ; dns marked tos own lo cast six six5 own6 lo6
meta priority != 0:0 ;
meta pkttype host ; dns marked tos own lo cast six six5 own6 lo6
meta pkttype { broadcast, multicast } ;
meta length 29 ; dns marked tos own lo cast
ct state new ; dns marked tos own lo cast six six5 own6 lo6
ct direction original ; dns marked tos own lo cast six six5 own6 lo6
ct original ip daddr 10.2.0.2 ; dns marked
ct expiration 0s ; * dns marked tos own lo cast six six5 own6 lo6
ct status 0x0 ;
ct status == 0x0 ; dns marked tos own lo cast six six5 own6 lo6
ether saddr 02:00:00:00:01:01 ;
ether type ip ;
@ll,0,48 != 0x0 ;
ip dscp cs1 ; tos
ip6 dscp cs1 ; six5
rt ip nexthop 10.2.0.2 ; dns marked
rt ip6 nexthop 2001:db8:2::2 ; six
rt mtu 1460 ; dns marked tos cast
rt mtu 65495 ; own lo
rt mtu 536 ; own6 lo6
rt mtu != 1460 ; own lo six six5 own6 lo6
rt classid 0 ; dns marked tos own lo cast six six5 own6 lo6
fib daddr type local ; own lo own6 lo6
fib daddr type { broadcast, multicast } ; cast
fib daddr . oif type local ; lo lo6
fib daddr . oif type unicast ; dns marked tos own six six5 own6
fib saddr type local ; dns marked tos own lo cast six six5 own6 lo6
socket mark 0x5 ; marked tos six5
socket mark 0x0 ; dns own lo cast six own6 lo6
socket wildcard 0 ;
socket wildcard 1 ; dns marked tos own lo cast six six5 own6 lo6
socket transparent 0 ; dns marked tos own lo cast six six5 own6 lo6
meta cgroup 0 ; dns marked tos own lo cast six six5 own6 lo6
meta cgroup != 0 ;
th sport 5000-5003 ; dns marked tos own
th sport . th dport { 5000-5005 . 53 } ; dns marked tos own lo cast
symhash mod 1 == 0 ; dns marked tos own lo cast six six5 own6 lo6
jhash ip saddr . ip daddr . udp sport mod 16 seed 0xdeadbeef == 3 ; own
jhash ip saddr . ip daddr . udp sport mod 16 seed 0xdeadbeef < 8 ; dns tos own
jhash ip6 daddr . udp sport mod 16 seed 0xdeadbeef < 8 ; six5 lo6
