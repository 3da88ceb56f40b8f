-m policy --dir in --pol none ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; secpath 50/tunnel/1.2.3.4/5.6.7.8/9/1
-m policy --dir in --pol ipsec --reqid 1 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
+ udp 10.0.0.2 > 10.0.0.1 ; secpath 50/tunnel/1.2.3.4/5.6.7.8/9/1
+ udp 10.0.0.2 > 10.0.0.1 ; secpath 50/tunnel/1.2.3.4/5.6.7.8/9/2 secpath 51/tunnel/1.2.3.4/5.6.7.8/9/1
-m policy --dir in --pol ipsec --strict --proto ah --mode tunnel --tunnel-src 1.0.0.0/8 --next --spi 0x9 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; secpath 51/tunnel/1.2.3.4/5.6.7.8/9/1
+ udp 10.0.0.2 > 10.0.0.1 ; secpath 50/tunnel/1.2.3.4/5.6.7.8/9/2 secpath 51/tunnel/1.2.3.4/5.6.7.8/9/1
- udp 10.0.0.2 > 10.0.0.1 ; secpath 51/tunnel/1.2.3.4/5.6.7.8/9/2 secpath 50/tunnel/1.2.3.4/5.6.7.8/9/1
-m policy --dir in --pol ipsec --strict ! --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8 ! --tunnel-src 1.2.3.4 --next --spi 0x5 ; = ; OK
-m policy --dir out --pol ipsec ; ; FAIL
-m policy --dir in --pol ipsec --strict ; ; FAIL
-m policy --dir in --pol none --strict ; ; FAIL
-m policy --pol ipsec ; ; FAIL
:OUTPUT
-m policy --dir in --pol ipsec ; ; FAIL
-m policy --dir out --pol ipsec ! --proto esp ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; bundle 50/tunnel/1.2.3.4/5.6.7.8/9/2
+ udp 10.0.0.2 > 10.0.0.1 ; bundle 51/tunnel/1.2.3.4/5.6.7.8/9/2
