# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:INPUT
*filter
-j REJECT;-j REJECT --reject-with icmp-port-unreachable;OK
-j REJECT --reject-with icmp;-j REJECT --reject-with icmp-net-unreachable;OK
-j REJECT --reject-with icmp-host;-j REJECT --reject-with icmp-host-unreachable;OK
-j REJECT --reject-with host-unreach;-j REJECT --reject-with icmp-host-unreachable;OK
-j REJECT --reject-with port;-j REJECT --reject-with icmp-port-unreachable;OK
-j REJECT --reject-with tcp-reset;;FAIL
-j REJECT --reject-with foo;;FAIL
-j REJECT --reject-with icmp6-no-route;;FAIL
-j REJECT --reject-with ECHO;;FAIL
-j REJECT --reject-with ADMIN;-j REJECT --reject-with icmp-admin-prohibited;OK
-j REJECT --reject-with;;FAIL
! -p tcp -j REJECT --reject-with tcp-rst;;FAIL
-p tcp -j REJECT --reject-with tcp-rst;-p tcp -j REJECT --reject-with tcp-reset;OK
