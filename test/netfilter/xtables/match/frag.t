family ipv6
-m frag --fragid 5 --fragfirst --fragmore ; = ; OK
+ udp ::1 > ::2 id 5 mf
- udp ::1 > ::2 id 6 mf
- udp ::1 > ::2 id 5 frag 8
- udp ::1 > ::2
-m frag --fraglast ; = ; OK
+ udp ::1 > ::2 id 5 frag 8
-m frag --fraglast --fragmore ; ; FAIL
-m frag --fragid 4:3 ; ; FAIL
