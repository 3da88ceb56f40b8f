# tcp
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" ; = ; OK
+ tcp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1
-m bpf --bytecode "3,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" ; ; FAIL
# the destination port behind a header of any length
-m bpf --bytecode "4,177 0 0 0,72 0 0 2,20 0 0 53,22 0 0 0" ; = ; OK
+ udp 10.0.0.2:9 > 10.0.0.1:80
- udp 10.0.0.2:9 > 10.0.0.1:53
# the mark, by its place beside the packet
-m bpf --bytecode "2,32 0 0 4294963220,22 0 0 0" ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; mark 1
- udp 10.0.0.2 > 10.0.0.1
# bytes that are not there, and a division by 0, are a no
-m bpf --bytecode "2,32 0 0 900,6 0 0 1" ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m bpf --bytecode "3,0 0 0 7,60 0 0 0,6 0 0 1" ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
-m bpf --bytecode "1,7 0 0 0" ; ; FAIL
-m bpf --bytecode "2,52 0 0 0,6 0 0 1" ; ; FAIL
-m bpf --bytecode "2,96 0 0 3,6 0 0 1" ; ; FAIL
-m bpf --bytecode "2,21 1 0 0,6 0 0 1" ; ; FAIL
