# ARP for the router.
chain arp input 0
set asked { typeof arp daddr ip; elements = { 10.1.0.1 }; }
ask: frame ffffffffffff 020000000102 0806 0001080006040001 020000000102 0a010002 000000000000 0a010001
other: frame ffffffffffff 020000000102 0806 0001080006040001 020000000102 0a010002 000000000000 0a010009
reply: frame 020000000101 020000000102 0806 0001080006040002 020000000102 0a010002 020000000101 0a010001
probe: frame ffffffffffff 020000000102 0806 0001080006040001 020000000102 00000000 000000000000 0a010001
ip: udp 10.1.0.2:5000 > 10.1.0.1:53
arp operation request ; ask other probe
arp operation reply ; reply
arp operation != request ; reply
arp operation { request, reply } ; ask other reply probe
arp htype 1 ; ask other reply probe
arp ptype ip ; ask other reply probe
arp ptype 0x0800 ; ask other reply probe
arp hlen 6 ; ask other reply probe
arp plen 4 ; ask other reply probe
arp saddr ip 10.1.0.2 ; ask other reply
arp saddr ip != 10.1.0.2 ; probe
arp saddr ip 10.0.0.0/8 ; ask other reply
arp daddr ip 10.1.0.1 ; ask reply probe
arp daddr ip @asked ; ask reply probe
arp daddr ip { 10.1.0.0/29, 10.1.0.9 } ; ask other reply probe
arp saddr ether 02:00:00:00:01:02 ; ask other reply probe
arp daddr ether 00:00:00:00:00:00 ; ask other probe
arp daddr ether != 00:00:00:00:00:00 ; reply
arp saddr ip . arp daddr ip { 10.1.0.2 . 10.1.0.1 } ; ask reply
iifname "r0" ; ask other reply probe
iif "r0" ; ask other reply probe
oifname "r0" ;
oif != "r0" ; ask other reply probe
iiftype ether ; ask other reply probe
ether saddr 02:00:00:00:01:02 ; ask other reply probe
meta protocol arp ; ask other reply probe
meta protocol ip ;
meta pkttype broadcast ; ask other probe
meta pkttype host ; reply
meta mark 0x0 ; ask other reply probe
meta length 28 ; ask other reply probe
@nh,0,16 1 ; ask other reply probe
@nh,192,32 0xa010001 ; ask reply probe
