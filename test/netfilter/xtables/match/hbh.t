family ipv6
-m hbh --hbh-len 8 --hbh-opts 5:2 ; = ; OK
+ icmp6 ::1 > ::2 ext hop 050200000000
- icmp6 ::1 > ::2 ext hop 060200000000
- icmp6 ::1 > ::2 ext dst 050200000000
-m dst ! --dst-len 8 ; = ; OK
- icmp6 ::1 > ::2 ext dst 050200000000
-m dst --dst-opts 5:255,0 ; -m dst --dst-opts 5,0 ; OK
+ icmp6 ::1 > ::2 ext dst 050200000000
-m hbh --hbh-opts 0:5 ; ; FAIL
