# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*mangle
-j CONNMARK --set-mark 1/2;-j CONNMARK --set-xmark 0x1/0x3;OK
-j CONNMARK --set-mark 1;-j CONNMARK --set-xmark 0x1/0xffffffff;OK
-j CONNMARK --save-mark;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff;OK
-j CONNMARK --save-mark --mask 0xf;-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf;OK
-j CONNMARK --restore-mark --nfmask 1 --ctmask 2;-j CONNMARK --restore-mark --nfmask 0x1 --ctmask 0x2;OK
-j CONNMARK --save-mark --left-shift-mark 3;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 3;OK
-j CONNMARK --set-xmark 5 --right-shift-mark 3;-j CONNMARK --set-xmark 0x5/0xffffffff --right-shift-mark 3;OK
-j CONNMARK --and-mark 5;-j CONNMARK --set-xmark 0x0/0xfffffffa;OK
-j CONNMARK --or-mark 5 --left-shift-mark 2;-j CONNMARK --set-xmark 0x5/0x5 --left-shift-mark 2;OK
-j CONNMARK --xor-mark 5;-j CONNMARK --set-xmark 0x5/0x0;OK
-j CONNMARK --left-shift-mark 5;;FAIL
-j CONNMARK;;FAIL
-j CONNMARK --mask 1;;FAIL
-j CONNMARK --save-mark --restore-mark;;FAIL
-j CONNMARK --restore-mark --mask 1 --nfmask 2;;FAIL
-j CONNMARK --restore-mark --left-shift-mark 32;;FAIL
-j CONNMARK --restore-mark --left-shift-mark 0;-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff;OK
-j CONNMARK --set-xmark 1 --nfmask 2;-j CONNMARK --set-xmark 0x1/0xffffffff;OK
-j CONNMARK --restore --nf 2;-j CONNMARK --restore-mark --nfmask 0x2 --ctmask 0xffffffff;OK
-j CONNMARK --left-shift-mark 1 --right-shift-mark 2 --save-mark;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 2;OK
-j CONNMARK --set-xmark 1/2/3;;FAIL
