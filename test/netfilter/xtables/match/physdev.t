-m physdev --physdev-in p+ ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; physin p1
- udp 10.0.0.2 > 10.0.0.1 ; physin q1
- udp 10.0.0.2 > 10.0.0.1
# without a bridge everything asked for must be inverted
-m physdev ! --physdev-is-in ! --physdev-in p1 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; physin p2
:FORWARD
-m physdev --physdev-is-out --physdev-out p2 --physdev-is-bridged ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; physin p1 physout p2
- udp 10.0.0.2 > 10.0.0.1 ; physin p1
-m physdev ! --physdev-out p2 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; physin p1 physout p2
- udp 10.0.0.2 > 10.0.0.1 ; physin p1
-m physdev ; ; FAIL
:OUTPUT
-m physdev --physdev-out p2 ; ; FAIL
-m physdev --physdev-is-bridged --physdev-out p2 ; -m physdev --physdev-out p2 --physdev-is-bridged ; OK
