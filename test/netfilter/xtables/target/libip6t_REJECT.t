# Recorded from ip6tables-legacy 1.8.9 on Linux 6.18.
:FORWARD
*filter
-j REJECT;-j REJECT --reject-with icmp6-port-unreachable;OK
-j REJECT --reject-with icmp6-adm-prohibited;=;OK
-j REJECT --reject-with adm;-j REJECT --reject-with icmp6-adm-prohibited;OK
-j REJECT --reject-with icmp-port-unreachable;;FAIL
-j REJECT --reject-with policy-fail;-j REJECT --reject-with icmp6-policy-fail;OK
-j REJECT --reject-with reject-route;-j REJECT --reject-with icmp6-reject-route;OK
-j REJECT --reject-with tcp-reset;;FAIL
-p tcp -j REJECT --reject-with tcp-reset;=;OK
