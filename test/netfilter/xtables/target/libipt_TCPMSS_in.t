# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:INPUT
*mangle
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu;;FAIL
-p tcp --syn -j TCPMSS --set-mss 1400;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400;OK
