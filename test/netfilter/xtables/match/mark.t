# The model for a new table: what is taken and how it is saved, then packets.
-m mark --mark 0x10/0xff ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; mark 0x10
+ udp 10.0.0.2 > 10.0.0.1 ; mark 0xf10
- udp 10.0.0.2 > 10.0.0.1 ; mark 0x11
-m mark ! --mark 16 ; -m mark ! --mark 0x10 ; OK
- udp 10.0.0.2 > 10.0.0.1 ; mark 16
+ udp 10.0.0.2 > 10.0.0.1
-m mark --mark 010/16 ; -m mark --mark 0x8/0x10 ; OK
- udp 10.0.0.2 > 10.0.0.1 ; mark 8
-m mark --mark 0x0 ; = ; OK
-m mark --mark 1/ ; ; FAIL
-m mark --mark 4294967296 ; ; FAIL
-m mark ; ; FAIL
