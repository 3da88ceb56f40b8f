# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:INPUT
*filter
-j CT --notrack;;FAIL
-j NOTRACK;;FAIL
-j TRACE;;FAIL
-j TTL --ttl-set 1;;FAIL
-j TOS --set-tos 1;;FAIL
-j CHECKSUM --checksum-fill;;FAIL
