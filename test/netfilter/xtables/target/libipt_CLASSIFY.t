# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:POSTROUTING
*mangle
-j CLASSIFY --set-class 1:7;-j CLASSIFY --set-class 0001:0007;OK
-j CLASSIFY --set-class 1;;FAIL
-j CLASSIFY --set-class :1;;FAIL
-j CLASSIFY --set-class 1:;;FAIL
-j CLASSIFY --set-class fffff:fffff;-j CLASSIFY --set-class ffff:ffff;OK
-j CLASSIFY;;FAIL
-j CLASSIFY --set-class 1:1 --set-class 2:2;;FAIL
