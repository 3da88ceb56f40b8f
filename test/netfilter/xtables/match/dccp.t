-p dccp -m dccp --dport 5 ! --dccp-types DATA,ACK ; = ; OK
+ dccp 10.0.0.2 > 10.0.0.1 hex 000100050300000000000000
- dccp 10.0.0.2 > 10.0.0.1 hex 000100050300000004000000
-p dccp -m dccp --dccp-option 9 ; = ; OK
+ dccp 10.0.0.2 > 10.0.0.1 hex 00010005040000000400000009030000
- dccp 10.0.0.2 > 10.0.0.1 hex 00010005040000000400000008030000
x dccp 10.0.0.2 > 10.0.0.1 hex 00010005050000000400000008030000
-p dccp -m dccp --dccp-types foo ; ; FAIL
-p dccp -m dccp --sport 4:3 ; ; FAIL
