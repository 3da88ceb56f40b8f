-m string --string "abc" --algo bm ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 data "xxabc"
- udp 10.0.0.2 > 10.0.0.1 data "xxaBc"
-m string ! --string "ABC" --algo kmp --from 28 --to 31 --icase ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 data "aBc"
+ udp 10.0.0.2 > 10.0.0.1 data "xaBc"
-m string --hex-string "|61 0a|b" --algo bm ; -m string --hex-string "|610a62|" --algo bm ; OK
+ udp 10.0.0.2 > 10.0.0.1 hex 610a62
-m string --hex-string "|4|" --algo bm ; ; FAIL
-m string --string abc --algo foo ; ; FAIL
-m string --string abc --algo bm --from 9 --to 5 ; ; FAIL
-m string --algo bm ; ; FAIL
