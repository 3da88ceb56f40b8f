-m connmark --mark 0x5/0xf ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ctmark 0x15
- udp 10.0.0.2 > 10.0.0.1
-m connmark ! --mark 5 ; -m connmark ! --mark 0x5 ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ctmark 1
- udp 10.0.0.2 > 10.0.0.1
-m connmark ; ; FAIL
