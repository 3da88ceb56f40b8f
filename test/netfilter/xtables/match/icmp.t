-p icmp -m icmp --icmp-type echo-req ; -p icmp -m icmp --icmp-type 8 ; OK
+ icmp 10.0.0.2 > 10.0.0.1 type 8 code 5
- icmp 10.0.0.2 > 10.0.0.1 type 0
-p icmp ! --icmp-type 3/4 ; -p icmp -m icmp ! --icmp-type 3/4 ; OK
- icmp 10.0.0.2 > 10.0.0.1 type 3 code 4
+ icmp 10.0.0.2 > 10.0.0.1 type 3 code 3
- icmp 10.0.0.2 > 10.0.0.1 frag 8 hex 0000000000000000
-p icmp -m icmp --icmp-type any ; = ; OK
+ icmp 10.0.0.2 > 10.0.0.1 type 200
- icmp 10.0.0.2 > 10.0.0.1 frag 8 hex 00
-p icmp -m icmp ! --icmp-type any ; = ; OK
- icmp 10.0.0.2 > 10.0.0.1 type 200
-p icmp -m icmp --icmp-type 3/1:4 ; = ; OK
+ icmp 10.0.0.2 > 10.0.0.1 type 3 code 4
-p icmp -m icmp --icmp-type echo ; ; FAIL
-p icmp -m icmp --icmp-type 256 ; ; FAIL
family ipv6
-p icmpv6 --icmpv6-type neighbour-sol ; -p ipv6-icmp -m icmp6 --icmpv6-type 135 ; OK
+ icmp6 2001:db8::2 > ff02::1 type 135
-p ipv6-icmp -m icmp6 --icmpv6-type 1/4 ; = ; OK
+ icmp6 2001:db8::2 > 2001:db8::1 type 1 code 4
- icmp6 2001:db8::2 > 2001:db8::1 type 1 code 3
-p ipv6-icmp -m icmp6 --icmpv6-type any ; ; FAIL
