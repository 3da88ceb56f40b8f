# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*mangle
-p tcp -j TPROXY --on-port 5;-p tcp -j TPROXY --on-port 5 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0;OK
-p tcp -j TPROXY --on-ip 1.2.3.4;;FAIL
-p tcp -j TPROXY --on-port http;-p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0;OK
-p udp -j TPROXY --on-port 0 --tproxy-mark 5;-p udp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x5/0xffffffff;OK
-p icmp -j TPROXY --on-port 0 --tproxy-mark 5;;FAIL
! -p tcp -j TPROXY --on-port 5;;FAIL
-p tcp -j TPROXY --on-port 5 --on-ip 1.2.3.4 --tproxy-mark 1/2;-p tcp -j TPROXY --on-port 5 --on-ip 1.2.3.4 --tproxy-mark 0x1/0x2;OK
-p tcp -j TPROXY --on-port nonsense;;FAIL
