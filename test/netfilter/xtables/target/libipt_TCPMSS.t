# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:FORWARD
*mangle
-j TCPMSS --set-mss 42;;FAIL
-p tcp -j TCPMSS --clamp-mss-to-pmtu;;FAIL
-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu;-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu;OK
-p tcp --syn -j TCPMSS --set-mss 1400;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400;OK
-p tcp ! --syn -j TCPMSS --set-mss 5;;FAIL
-p tcp --syn -j TCPMSS --set-mss 65515;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65515;OK
-p tcp --syn -j TCPMSS --set-mss 65516;;FAIL
-p tcp --syn -j TCPMSS;;FAIL
-p tcp --syn -j TCPMSS --set-mss 5 --clamp-mss-to-pmtu;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu;OK
-p tcp --tcp-flags ALL ACK -j TCPMSS --set-mss 5;;FAIL
