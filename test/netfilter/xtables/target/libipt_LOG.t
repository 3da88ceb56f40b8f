# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:INPUT
*filter
-j LOG;=;OK
-j LOG --log-prefix abcdefghijklmnopqrstuvwxyz0123456789;-j LOG --log-prefix abcdefghijklmnopqrstuvwxyz012;OK
-j LOG --log-level err;;FAIL
-j LOG --log-level error;-j LOG --log-level 3;OK
-j LOG --log-level ERROR;;FAIL
-j LOG --log-level warn;;FAIL
-j LOG --log-level de;;FAIL
-j LOG --log-level 8;;FAIL
-j LOG --log-level 4 --log-prefix "";;FAIL
-j LOG --log-macdecode --log-uid --log-ip-options --log-tcp-options --log-tcp-sequence --log-prefix x --log-level debug;-j LOG --log-prefix x --log-level 7 --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode;OK
-j LOG --log-prefix "a b: ";=;OK
-j LOG --log-prefix "it's";-j LOG --log-prefix "it\'s";OK
-j LOG --log-prefix a --log-prefix b;;FAIL
-j LOG --log-uid --log-uid;;FAIL
-j LOG --log-level panic;-j LOG --log-level 0;OK
-j NFLOG;=;OK
-j NFLOG --nflog-group 3 --nflog-prefix "a b" --nflog-size 6 --nflog-threshold 7;-j NFLOG --nflog-prefix "a b" --nflog-group 3 --nflog-size 6 --nflog-threshold 7;OK
-j NFLOG --nflog-range 5;=;OK
-j NFLOG --nflog-range 5 --nflog-size 6;;FAIL
-j NFLOG --nflog-prefix "";;FAIL
-j NFLOG --nflog-group 65536;;FAIL
-j NFLOG --nflog-threshold 1;=;OK
