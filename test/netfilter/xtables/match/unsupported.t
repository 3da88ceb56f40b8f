# Taken, saved and checked, but a packet that reaches them is inconclusive.
-m cpu ! --cpu 1 ; = ; OK
? udp 10.0.0.2 > 10.0.0.1
-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 0xdeadbeef ; -m cluster --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0xdeadbeef ; OK
? udp 10.0.0.2 > 10.0.0.1
-m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 1 ; ; FAIL
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" ; = ; OK
? udp 10.0.0.2 > 10.0.0.1
-m bpf --bytecode "3,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" ; ; FAIL
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
