family ipv6
-m srh --srh-segs-left-lt 2 ! --srh-tag 5 ; = ; OK
+ udp ::1 > ::2 ext route 040101000000
# the tag's bytes count the other way round (asked of a kernel)
+ udp ::1 > ::2 ext route 040101000005
- udp ::1 > ::2 ext route 040101000500
- udp ::1 > ::2 ext route 000101000000
-m srh --srh-psid a::1/64 ; = ; OK
-m srh --srh-tag 65536 ; ; FAIL
