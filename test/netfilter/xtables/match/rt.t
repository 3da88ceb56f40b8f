family ipv6
-m rt --rt-type 0 --rt-segsleft 1:2 ; = ; OK
+ udp ::1 > ::2 ext route 000100000000
- udp ::1 > ::2 ext route 000300000000
- udp ::1 > ::2
-m rt --rt-type 0 --rt-len 24 --rt-0-res --rt-0-addrs 2001:db8::5 ; = ; OK
+ udp ::1 > ::2 ext route 00010000000020010db8000000000000000000000005
- udp ::1 > ::2 ext route 00010000000020010db8000000000000000000000006
-m rt --rt-0-res ; ; FAIL
-m rt --rt-segsleft 4:3 ; ; FAIL
