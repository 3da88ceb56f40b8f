# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:FORWARD
*mangle
-j TTL;;FAIL
-j TTL --ttl-set 0;=;OK
-j TTL --ttl-set 255;=;OK
-j TTL --ttl-set 256;;FAIL
-j TTL --ttl-dec 0;;FAIL
-j TTL --ttl-dec 1;=;OK
-j TTL --ttl-inc 255;=;OK
-j TTL --ttl-dec 1 --ttl-inc 1;;FAIL
