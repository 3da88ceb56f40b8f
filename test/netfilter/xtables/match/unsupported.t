# Taken, saved and checked, but a packet that reaches them is inconclusive.
-m cpu ! --cpu 1 ; = ; OK
? udp 10.0.0.2 > 10.0.0.1
-p tcp -m osf ! --genre Linux --ttl 2 --log 1 ; = ; OK
? tcp 10.0.0.2 > 10.0.0.1
-m osf --genre Linux ; ; FAIL
-m nfacct --nfacct-name x ; ; FAIL
-m rateest --rateest-delta --rateest1 RE1 --rateest-pps1 0 ! --rateest-lt --rateest-pps2 42 --rateest2 RE2 ; = ; OK
? udp 10.0.0.2 > 10.0.0.1
-m rateest --rateest RE1 --rateest-gt --rateest-bps 5kbit ; -m rateest --rateest RE1 --rateest-gt --rateest-bps 5000bit ; OK
-m rateest --rateest RE1 --rateest-gt ; ; FAIL
-m ipvs --vproto tcp --vaddr 1.2.3.4/16 ! --vport 22 --vdir reply --vmethod MASQ ; -m ipvs --vproto 6 --vaddr 1.2.3.4/16 ! --vport 22 --vdir REPLY --vmethod MASQ ; OK
? udp 10.0.0.2 > 10.0.0.1
-m ipvs ! --ipvs --vport 22 ; ; FAIL
-m bpf --object-pinned /sys/fs/bpf/x ; = ; OK
? udp 10.0.0.2 > 10.0.0.1
# the CPU that it is on
-m bpf --bytecode "2,32 0 0 4294963236,22 0 0 0" ; = ; OK
? udp 10.0.0.2 > 10.0.0.1
