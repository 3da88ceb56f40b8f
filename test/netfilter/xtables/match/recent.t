-m recent --set ; -m recent --set --name DEFAULT --mask 255.255.255.255 --rsource ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m recent --update --seconds 10 --hitcount 2 --name a --mask 255.255.255.0 --rsource -m recent --set --name a --mask 255.255.255.0 --rsource ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m recent ! --rcheck --seconds 10 --name a --mask 255.255.255.255 --rdest -m recent --set --name a --mask 255.255.255.255 --rdest ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; at 10000
+ udp 10.0.0.2 > 10.0.0.1 ; at 10001
-m recent --remove --name a --mask 255.255.255.255 --rsource ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m recent --set --rttl ; ; FAIL
-m recent --set --hitcount 3 ; ; FAIL
-m recent --rcheck --hitcount 65536 ; ; FAIL
-m recent --rcheck --name a/b ; ; FAIL
-m recent --update --reap ; ; FAIL
-m recent ; ; FAIL
