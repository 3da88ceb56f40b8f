# Recorded from ip6tables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*mangle
-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/64;=;OK
-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/48;=;OK
-j DNPT --src-pfx dead::/80 --dst-pfx 1c3::/64;;FAIL
-j DNPT --src-pfx dead::1/64 --dst-pfx 1c3::/64;;FAIL
-j DNPT --src-pfx dead::/ffff:: --dst-pfx 1c3::/64;-j DNPT --src-pfx dead::/16 --dst-pfx 1c3::/64;OK
-j DNPT --src-pfx dead:: --dst-pfx 1c3::/64;;FAIL
-j SNPT --src-pfx dead::/64 --dst-pfx 1c3::/64;;FAIL
-j DNPT --src-pfx dead::/64;;FAIL
