# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:POSTROUTING
*mangle
-j TOS --set-tos 0x300;;FAIL
-j TOS --set-tos minimize-delay;-j TOS --set-tos 0x10/0x3f;OK
-j TOS --set-tos Mini;;FAIL
-j TOS --set-tos 8;-j TOS --set-tos 0x08/0xff;OK
-j TOS --set-tos 8/3;-j TOS --set-tos 0x08/0x03;OK
-j TOS --set-tos 8 --or-tos 1;;FAIL
-j TOS --and-tos 0xf;-j TOS --set-tos 0x00/0xf0;OK
-j TOS --or-tos 256;;FAIL
-j TOS --xor-tos 1;-j TOS --set-tos 0x01/0x00;OK
-j TOS;;FAIL
-j DSCP --set-dscp-class foo;;FAIL
-j DSCP --set-dscp-class cs1;-j DSCP --set-dscp 0x08;OK
-j DSCP --set-dscp-class AF43;-j DSCP --set-dscp 0x26;OK
-j DSCP --set-dscp 64;;FAIL
-j DSCP --set-dscp 0x3f;=;OK
-j DSCP --set-dscp 1 --set-dscp-class EF;;FAIL
-j DSCP;;FAIL
