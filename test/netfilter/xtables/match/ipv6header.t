family ipv6
-m ipv6header --header hop,prot ; -m ipv6header --header hop-by-hop,protocol ; OK
+ icmp6 ::1 > ::2 ext hop 050200000000
- icmp6 ::1 > ::2
-m ipv6header ! --header frag --soft ; -m ipv6header ! --header ipv6-frag --soft ; OK
+ icmp6 ::1 > ::2
- udp ::1 > ::2 id 5 mf
-m ipv6header --header tcp ; ; FAIL
