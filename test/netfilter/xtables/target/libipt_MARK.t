# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*mangle
-j MARK --set-mark 1/2;-j MARK --set-xmark 0x1/0x3;OK
-j MARK --set-mark 0x10;-j MARK --set-xmark 0x10/0xffffffff;OK
-j MARK --set-xmark 5;-j MARK --set-xmark 0x5/0xffffffff;OK
-j MARK --set-xmark 010/0xff;-j MARK --set-xmark 0x8/0xff;OK
-j MARK --and-mark 3;-j MARK --set-xmark 0x0/0xfffffffc;OK
-j MARK --or-mark 0xc;-j MARK --set-xmark 0xc/0xc;OK
-j MARK --xor-mark 7;-j MARK --set-xmark 0x7/0x0;OK
-j MARK;;FAIL
-j MARK --set-mark 1 --or-mark 2;;FAIL
-j MARK --set-mark;;FAIL
-j MARK --set-mark -1;;FAIL
-j MARK --set-mark 1/;;FAIL
-j MARK --set-mark 4294967296;;FAIL
-j MARK --set-xmark 1/0x1ffffffff;;FAIL
-j MARK --set-mark 0x;;FAIL
-j MARK --set-mark 08;;FAIL
-j MARK ! --set-mark 1;;FAIL
-j MARK --set-mark 1 --set-mark 2;;FAIL
-j MARK --set-m 1;-j MARK --set-xmark 0x1/0xffffffff;OK
-j MARK --set 1;;FAIL
