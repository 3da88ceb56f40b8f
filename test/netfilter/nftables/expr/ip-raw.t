# Fragments, short packets and options of IPv4, before anybody has put them together.
chain ip prerouting -450
whole: udp 10.1.0.2:1000 > 10.2.0.2:80 data "hello"
first: udp 10.1.0.2:1000 > 10.2.0.2:80 data "12345678" mf id 7
later: udp 10.1.0.2 > 10.2.0.2 frag 16 id 7 hex 03e800500102030405060708
last: udp 10.1.0.2 > 10.2.0.2 frag 24 id 7 hex 03e8
tcplater: tcp 10.1.0.2 > 10.2.0.2 frag 24 id 8 hex 03e8005000000001000000025012ffff00000000
icmplater: icmp 10.1.0.2 > 10.2.0.2 frag 24 id 9 hex 0800000000050001
short2: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e8
short3: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e800
short4: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050
short13: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050000000010000000250
short14: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e8005000000001000000025012
bare: tcp 10.1.0.2 > 10.2.0.2 raw
icmp1: icmp 10.1.0.2 > 10.2.0.2 raw hex 08
icmp7: icmp 10.1.0.2 > 10.2.0.2 raw hex 08000000000500
igmp: proto 2 10.1.0.2 > 224.0.0.1 hex 1164000000000000 ttl 1
comp: proto 108 10.1.0.2 > 10.2.0.2 hex 06050102
ah: proto 51 10.1.0.2 > 10.2.0.2 hex 0604000000000005000000010000000000000000000000000000
esp: proto 50 10.1.0.2 > 10.2.0.2 hex 0000000500000001
udplite: proto 136 10.1.0.2 > 10.2.0.2 hex 03e8005000080000
dccp: proto 33 10.1.0.2 > 10.2.0.2 hex 03e80050060000000a000000000000000000
opts: tcp 10.1.0.2:1000 > 10.2.0.2:80 raw hex 03e80050000000010000000280020fff0000000002040578040201030303070801010101
optssack: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050000000010000000290100fff000000000101050a00000005000000060101050a
optscut: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050000000010000000260100fff0000000003040506
optszero: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050000000010000000260100fff0000000009000204
optsend: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050000000010000000260100fff0000000001010102
badoff: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e80050000000010000000240100fff00000000
longoff: tcp 10.1.0.2 > 10.2.0.2 raw hex 03e800500000000100000002f0100fff00000000
rr: option 0707040000000000 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
ra: option 94040000 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
ra5: option 94040005 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
lsrr: option 8307040a02000201 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
ssrr: option 018907040a020002 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
ts: option 440805000000000094040000 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
tsfull: option 440c0d0100000000000000009404000001010100 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
twice: option 9404000094040000 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
rrtwice: option 0703040107030400 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
badopt: option 07030001 icmp 10.1.0.2 > 10.2.0.2 echo-id 5
badra: option 9404000007ff0400 icmp 10.1.0.2 > 10.2.0.2 echo-id 5

tcp sport 1000 ; tcplater short2 short3 short4 short13 short14 opts optssack optscut optszero optsend badoff longoff
tcp dport 80 ; tcplater short4 short13 short14 opts optssack optscut optszero optsend badoff longoff
tcp dport != 80 ;
udp sport 1000 ; whole first later last
udp dport 80 ; whole first later
udp dport != 80 ;
udp length > 0 ; whole first later
udp checksum != 0 ; whole first later
udp sport 1000 udp dport 80 ; whole first later
udp sport . udp dport { 1000 . 80 } ; whole first later
th sport 1000 ; whole first later last tcplater short2 short3 short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
th sport != 1000 ; icmplater icmp7 igmp comp ah esp rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
th dport 80 ; whole first later tcplater short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
th dport { 80, 90 } ; whole first later tcplater short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
th dport != { 90, 91 } ; whole first later tcplater icmplater short4 short13 short14 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
tcp flags syn ; tcplater short14 opts
tcp flags syn,ack ; tcplater short14 opts optssack optscut optszero optsend badoff longoff
tcp flags != syn ; tcplater short14 optssack optscut optszero optsend badoff longoff
tcp flags ! syn ; optssack optscut optszero optsend badoff longoff
tcp doff 5 ; tcplater short13 short14
tcp doff != 5 ; opts optssack optscut optszero optsend badoff longoff
tcp window 4095 ; opts optssack optscut optszero optsend badoff longoff
tcp sequence 1 ; tcplater short13 short14 opts optssack optscut optszero optsend badoff longoff
tcp ackseq 2 ; tcplater short13 short14 opts optssack optscut optszero optsend badoff longoff
@th,0,8 3 ; whole first later last tcplater short2 short3 short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@th,0,16 0x3e8 ; whole first later last tcplater short2 short3 short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@th,8,16 0xe800 ; whole first short3 short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@th,0,24 0x3e800 ; whole first short3 short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@th,0,32 0x3e80050 ; whole first later tcplater short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@th,32,32 0x1 ; tcplater short13 short14 esp opts optssack optscut optszero optsend badoff longoff
@th,32,64 0x100000002 ; short13 short14 opts optssack optscut optszero optsend badoff longoff
@th,0,64 0x3e8005000000001 ; short13 short14 opts optssack optscut optszero optsend badoff longoff
@th,104,8 0x12 ; tcplater short14
@th,96,16 0x5012 ; tcplater short14
@th,111,1 1 ;
@th,0,128 != 0x0 ; first ah dccp opts optssack optscut optszero optsend badoff longoff
@nh,0,160 != 0x0 ; FAIL
@nh,160,16 0x3e8 ; whole first later last tcplater short2 short3 short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@nh,160,32 0x3e80050 ; whole first later tcplater short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
@nh,160,64 != 0x0 ; whole first later tcplater icmplater short13 short14 igmp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
icmp type echo-request ; icmplater icmp1 icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
icmp type != echo-reply ; icmplater icmp1 icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
icmp code 0 ; icmplater icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
icmp id 5 ; icmplater icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
icmp id 0-9 ; icmplater icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
icmp sequence 1 ; icmplater
icmp type . icmp code { echo-request . 0 } ; icmplater icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
igmp type membership-query ; igmp
igmp mrt 100 ; igmp
igmp group 0 ; igmp
comp cpi 258 ; comp
comp flags 5 ; comp
ah spi 5 ; ah
ah hdrlength 4 ; ah
ah sequence 1 ; ah
esp spi 5 ; esp
udplite csumcov 8 ; udplite
udplite dport 80 ; udplite
dccp dport 80 ; dccp
dccp type closereq ; dccp
dccp type != closereq ;
ip frag-off & 0x1fff != 0 ; later last tcplater icmplater
ip frag-off & 0x1fff == 0x0 ; whole first short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip frag-off & 0x2000 != 0x0 ; first
ip frag-off & 0x3fff != 0x0 ; first later last tcplater icmplater
ip frag-off 0x3 ; last tcplater icmplater
ip frag-off > 0x1 ; first later last tcplater icmplater
ip frag-off { 0x2, 0x3 } ; later last tcplater icmplater
ip id 7 ; first later last
ip id != 7 ; whole tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip protocol udp ; whole first later last
ip protocol { icmp, udp } ; whole first later last icmplater icmp1 icmp7 rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip protocol != { icmp, udp } ; tcplater short2 short3 short4 short13 short14 bare igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff
ip hdrlength > 5 ; rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip hdrlength { 6, 7 } ; rr ra ra5 lsrr ssrr twice rrtwice badopt badra
ip length < 28 ; last short2 short3 short4 bare icmp1 icmp7 comp
ip length 20 ; bare
meta l4proto udp ; whole first later last
meta l4proto { icmp, igmp } ; icmplater icmp1 icmp7 igmp rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
meta l4proto . ip saddr { tcp . 10.1.0.2 } ; tcplater short2 short3 short4 short13 short14 bare opts optssack optscut optszero optsend badoff longoff
meta length 20-24 ; last short2 short3 short4 bare icmp1 comp
meta length < 24 ; last short2 short3 bare icmp1
tcp option maxseg size 1400 ; opts
tcp option maxseg size 1000-1500 ; opts
tcp option maxseg size != 1400 ;
tcp option maxseg exists ; opts
tcp option maxseg missing ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
tcp option maxseg length 4 ; opts
tcp option sack-perm exists ; opts
tcp option sack-perm length 2 ; opts
tcp option window count 7 ;
tcp option window exists ; opts optscut
tcp option window missing ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp optssack optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
tcp option window count & 1 == 1 ; opts optscut
tcp option timestamp exists ;
tcp option timestamp tsval 1 ;
tcp option sack exists ; optssack
tcp option sack left 5 ; optssack
tcp option sack right 6 ; optssack
tcp option sack0 right 6 ; optssack
tcp option sack1 left 5 ;
tcp option sack1 left != 5 ;
tcp option nop exists ; opts optssack optsend
tcp option eol exists ; optszero
tcp option eol missing ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
tcp option 8 exists ;
tcp option 9 exists ; optszero
tcp option 3 missing ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp optssack optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
tcp option @2,16,16 1400 ; opts
tcp option @3,16,8 7 ;
tcp option @5,16,32 5 ; optssack
tcp option @2,8,8 4 ; opts
ip option rr exists ; rr
ip option rr missing ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip option rr ptr 4 ; rr
ip option rr length != 7 ;
ip option rr addr 0 ; rr
ip option ra exists ; ra ts tsfull twice
ip option ra value 0 ; ra ts tsfull twice
ip option ra value 5 ;
ip option lsrr exists ; lsrr
ip option lsrr addr 0xa020002 ; lsrr
ip option lsrr type 131 ; lsrr
ip option ssrr missing ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ts tsfull twice rrtwice badopt badra
ip option ssrr exists ; ssrr
fib daddr type multicast ; igmp
fib saddr . iif oif exists ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip saddr . th dport { 10.1.0.2 . 80 } ; whole first later tcplater short4 short13 short14 udplite dccp opts optssack optscut optszero optsend badoff longoff
ip saddr . udp dport { 10.1.0.0/24 . 70-90 } ; whole first later
ip daddr . tcp flags { 10.2.0.2 . syn } ; opts
meta mark & 0xff == 0x0 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ct state untracked ;
ct state invalid ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ct state != invalid ;
ct mark 0x0 ;
ct original saddr 10.1.0.2 ;
numgen inc mod 3 == 0 ; whole last short2 short13 icmp1 comp udplite optssack optsend rr lsrr tsfull badopt
jhash ip saddr . udp dport mod 2 seed 0x5 == 0 ; whole first later
jhash udp sport mod 5 seed 0x5 == 1 ;
jhash udp sport mod 5 seed 0x5 == 2 ;
jhash @nh,64,16 mod 3 seed 0x5 == 0 ; icmplater icmp1 icmp7 ah dccp rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
jhash @nh,64,16 mod 3 seed 0x5 == 1 ; tcplater short2 short3 short4 short13 short14 bare igmp esp opts optssack optscut optszero optsend badoff longoff
jhash meta mark mod 3 seed 0x5 == 1 ; ?
meta protocol vlan ;
meta nfproto ipv4 ; FAIL
ip ttl & 0xf0 == 64 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip ttl & 0x3f | 1 == 1 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip ttl ^ 64 == 0 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip ttl and 0xf0 or 1 xor 2 == 67 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip saddr ^ 10.1.0.2 == 0.0.0.0 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip saddr | 0.0.0.255 == 10.1.0.255 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 igmp comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
ip daddr & (255.255.255.0 | 0.0.0.1) == 10.2.0.0 ; whole first later last tcplater icmplater short2 short3 short4 short13 short14 bare icmp1 icmp7 comp ah esp udplite dccp opts optssack optscut optszero optsend badoff longoff rr ra ra5 lsrr ssrr ts tsfull twice rrtwice badopt badra
