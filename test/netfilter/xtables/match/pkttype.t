-m pkttype --pkt-type host ; -m pkttype --pkt-type unicast ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m pkttype ! --pkt-type broadcast ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; pkttype broadcast
# what comes back over lo counts as broadcast or multicast
-m pkttype --pkt-type multicast ; = ; OK
+ udp 10.0.0.2 > 224.0.0.5 ; pkttype loopback
- udp 10.0.0.2 > 10.0.0.1 ; pkttype loopback
-m pkttype --pkt-type wrong ; ; FAIL
