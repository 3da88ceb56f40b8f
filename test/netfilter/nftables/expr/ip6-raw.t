# Extension headers and fragments of IPv6, before anybody has put them together.
chain ip6 prerouting -450
whole: tcp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 syn mss 1400
first: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 data "12345678" mf id 7
later: udp 2001:db8:1::2 > 2001:db8:2::2 frag 16 id 7 hex 03e800500102030405060708
morelater: udp 2001:db8:1::2 > 2001:db8:2::2 frag 24 mf id 7 hex 03e8005001020304
atomic: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 frag 0 id 9
hop: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext hop 010400000000
dst: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext dst 010400000000
rt0: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext route 000000000000
rt1: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext route 03010000000020010db8000000000000000000000001
srh: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext route 040001000005200100000000000000000000000000072001000000000000000000000000000800
ah: tcp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext ah 00000000000500000001
hopdst: udp [2001:db8:1::2]:1000 > [2001:db8:2::2]:80 ext hop 010400000000 ext dst 010400000000
none: proto 59 2001:db8:1::2 > 2001:db8:2::2 hex 03e80050
mh: proto 135 2001:db8:1::2 > 2001:db8:2::2 hex 3b000500000000000000000000000000
esp: proto 50 2001:db8:1::2 > 2001:db8:2::2 hex 0000000500000001
cuthop: proto 0 2001:db8:1::2 > 2001:db8:2::2 hex 1105
cutdst: proto 60 2001:db8:1::2 > 2001:db8:2::2 hex 11
cutfrag: proto 44 2001:db8:1::2 > 2001:db8:2::2 hex 1100
laterhop: proto 44 2001:db8:1::2 > 2001:db8:2::2 hex 3c0000100000000711000104000000000035
icmp: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 128 echo-id 5 echo-seq 1
big: icmp6 2001:db8:1::2 > 2001:db8:2::2 type 2 rest 1280
query: icmp6 fe80::2 > ff02::1 type 130 rest 0x00050000 hex 00000000000000000000000000000000 ttl 1
ns: icmp6 fe80::2 > ff02::1:ff00:1 type 135 rest 0 hex 20010db8000100000000000000000001 ttl 255
short: tcp 2001:db8:1::2 > 2001:db8:2::2 raw hex 03e80050
mapped: udp [::ffff:10.0.0.1]:1 > [2001:db8:2::2]:80

ip6 nexthdr tcp ; whole short
ip6 nexthdr udp ; mapped
ip6 nexthdr ipv6-frag ; first later morelater atomic cutfrag laterhop
ip6 nexthdr { 0, 44, 60 } ; first later morelater atomic hop dst hopdst cutdst cutfrag laterhop
ip6 nexthdr != { 6, 17 } ; first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns
meta l4proto tcp ; whole short
meta l4proto udp ; first later morelater atomic hop dst rt0 rt1 srh hopdst mapped
meta l4proto != udp ; whole ah none mh esp icmp big query ns short
meta l4proto ah ; ah
meta l4proto 59 ; none
meta l4proto { icmpv6, esp } ; esp icmp big query ns
meta l4proto != { icmpv6, esp } ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh short mapped
tcp dport 80 ; whole short
udp dport 80 ; first atomic hop dst rt0 rt1 srh hopdst mapped
udp dport != 80 ; later morelater
udp sport 1000 ; first atomic hop dst rt0 rt1 srh hopdst
th sport 1000 ; whole first atomic hop dst rt0 rt1 srh hopdst none short
th dport 80 ; whole first atomic hop dst rt0 rt1 srh hopdst none short mapped
th dport != 80 ; later morelater ah mh esp icmp big query ns
@th,0,8 0x60 ; later morelater
@th,0,16 0x3e8 ; whole first atomic hop dst rt0 rt1 srh hopdst none short
@th,0,24 != 0x0 ; whole first atomic hop dst rt0 rt1 srh ah hopdst none mh icmp big query ns short mapped
@th,0,32 0x3e80050 ; whole first atomic hop dst rt0 rt1 srh hopdst none short
@th,0,64 != 0x0 ; whole first atomic hop dst rt0 rt1 srh ah hopdst mh esp icmp big query ns mapped
@nh,48,8 17 ; mapped
@nh,0,32 0x60000000 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
ah spi 5 ; ah
ah hdrlength 3 ;
esp spi 5 ; esp
exthdr frag exists ; first later morelater atomic laterhop
exthdr frag missing ; whole hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag icmp big query ns short mapped
exthdr hbh exists ; hop hopdst
exthdr hbh missing ; whole first later morelater atomic dst rt0 rt1 srh ah none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
exthdr dst exists ; dst hopdst
exthdr dst missing ; whole first later morelater atomic hop rt0 rt1 srh ah none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
exthdr rt exists ; rt0 rt1 srh
exthdr mh exists ; mh
exthdr mh missing ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none esp cutdst cutfrag laterhop icmp big query ns short mapped
frag id 7 ; first later morelater laterhop
frag id != 7 ; atomic
frag frag-off 2 ; later laterhop
frag frag-off != 0 ; later morelater laterhop
frag more-fragments 1 ; first morelater
frag more-fragments 0 ; later atomic laterhop
frag nexthdr udp ; first later morelater atomic
frag reserved 0 ; first later morelater atomic laterhop
frag reserved2 0 ; first later morelater atomic laterhop
hbh nexthdr udp ; hop
hbh hdrlength 0 ; hop hopdst
dst nexthdr udp ; dst hopdst
dst hdrlength 0 ; dst hopdst
rt nexthdr udp ; rt0 rt1 srh
rt type 0 ; rt0
rt type 3 ; rt1
rt type 4 ; srh
rt type != 0 ; rt1 srh
rt seg-left 1 ; rt1
rt hdrlength > 0 ; rt1 srh
rt0 addr[1] != :: ; rt1 srh
srh tag 5 ; srh
srh last-entry 1 ; srh
srh flags 0 ; rt0 rt1 srh
srh sid[1] 2001::7 ; srh
srh sid[2] 2001::8 ; srh
srh sid[2] != 2001::8 ;
mh type 5 ; mh
mh type binding-update ; mh
mh nexthdr 59 ; mh
mh hdrlength 0 ; mh
icmpv6 type echo-request ; icmp
icmpv6 type { echo-request, mld-listener-query } ; icmp query
icmpv6 type != echo-request ; big query ns
icmpv6 code 0 ; icmp big query ns
icmpv6 id 5 ; icmp
icmpv6 sequence 1 ; icmp
icmpv6 mtu 1280 ; big
icmpv6 max-delay 5 ; query
icmpv6 type nd-neighbor-solicit ; ns
tcp option maxseg size 1400 ; whole
tcp option maxseg exists ; whole
tcp option maxseg missing ; first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
ip6 saddr 2001:db8:1::2 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big short
ip6 saddr fe80::/10 ; query ns
ip6 saddr != fe80::/10 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big short mapped
ip6 saddr ::ffff:10.0.0.1 ; mapped
ip6 saddr ::ffff:0:0/96 ; mapped
ip6 saddr 2001:db8:1::/33 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big short
ip6 saddr { 2001:db8:1::/64, fe80::2 } ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
ip6 saddr != { 2001:db8:1::/64, fe80::1-fe80::3 } ; mapped
ip6 saddr > 2001:db8:1::1 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
ip6 saddr & ffff:: == fe80:: ; query ns
ip6 saddr & ::ff | ::100 == ::102 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
ip6 saddr ^ fe80::2 == :: ; query ns
ip6 daddr . meta l4proto { 2001:db8:2::2 . udp } ; first later morelater atomic hop dst rt0 rt1 srh hopdst mapped
ip6 daddr . th dport { 2001:db8:2::/64 . 70-90 } ; whole first atomic hop dst rt0 rt1 srh hopdst none short mapped
ip6 hoplimit 255 ; ns
ip6 hoplimit { 1, 255 } ; query ns
ip6 length 4-20 ; later morelater atomic hop dst rt0 none mh esp laterhop icmp big short mapped
ip6 length < 8 ; none cutdst cutfrag short
meta length 44-48 ; none esp icmp big short mapped
fib saddr . iif oif exists ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
fib saddr . iif oif missing ; mapped
fib saddr oif "r0" ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
fib daddr oif "r1" ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big short mapped
fib daddr oif exists ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
fib daddr oifname "r1" ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big short mapped
fib saddr type unicast ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
fib saddr type local ;
fib saddr type unspec ;
fib saddr . iif type unicast ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short
fib daddr type multicast ; query ns
fib daddr type unicast ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big short mapped
fib daddr . iif type local ;
fib daddr type { anycast, local, unreachable } ;
jhash ip6 saddr mod 4 seed 0x1 == 0 ;
jhash ip6 saddr . ip6 daddr mod 4 seed 0x1 == 2 ;
jhash ip6 saddr . ip6 daddr mod 4 seed 0x1 < 2 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big ns short
socket transparent 0 ;
ether type ip6 ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
ether daddr 33:33:00:00:00:01 ;
ct state invalid ; whole first later morelater atomic hop dst rt0 rt1 srh ah hopdst none mh esp cutdst cutfrag laterhop icmp big query ns short mapped
ct state untracked ;
icmp type echo-request ;
