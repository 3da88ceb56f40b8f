-m connlabel --label 5 --set ; -m connlabel --label "5" --set ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
- udp 10.0.0.2 > 10.0.0.1
-m connlabel ! --label "127" ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m connlabel --label 128 ; ; FAIL
