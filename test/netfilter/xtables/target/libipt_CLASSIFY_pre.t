# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*mangle
-j CLASSIFY --set-class 1:7;;FAIL
