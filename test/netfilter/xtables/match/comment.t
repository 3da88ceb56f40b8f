-m comment --comment "a b \"c\"" ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m comment --comment a.b ; -m comment --comment "a.b" ; OK
-m comment --comment a-b_1 ; = ; OK
-m comment ; ; FAIL
