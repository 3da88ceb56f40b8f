-p tcp -m multiport --dports 22,80:90,http ; -p tcp -m multiport --dports 22,80:90,80 ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:85
- tcp 10.0.0.2:22 > 10.0.0.1:5
- tcp 10.0.0.2 > 10.0.0.1 frag 800 hex 00160016
-p udp -m multiport --ports 53 ; = ; OK
+ udp 10.0.0.2:53 > 10.0.0.1:5
+ udp 10.0.0.2:5 > 10.0.0.1:53
-p udp -m multiport ! --source-ports 53,54 ; -p udp -m multiport ! --sports 53,54 ; OK
- udp 10.0.0.2:53 > 10.0.0.1:5
+ udp 10.0.0.2:5 > 10.0.0.1:5
- udp 10.0.0.2 > 10.0.0.1 frag 800 hex 00160016
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 ; ; FAIL
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15 ; = ; OK
-p tcp -m multiport --dports 5:5 ; ; FAIL
-p icmp -m multiport --dports 1 ; ; FAIL
-m multiport --dports 1 ; ; FAIL
