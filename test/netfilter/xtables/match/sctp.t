-p sctp -m sctp --dport 80 ; = ; OK
+ sctp 10.0.0.2:5 > 10.0.0.1:80
-p sctp -m sctp --sport 0:65535 --chunk-types any INIT,DATA:Be ; -p sctp -m sctp --sport 0:65535 --chunk-types any DATA:Be,INIT ; OK
+ sctp 10.0.0.2:5 > 10.0.0.1:80 hex 01000004
- sctp 10.0.0.2:5 > 10.0.0.1:80 hex 06000004
+ sctp 10.0.0.2:5 > 10.0.0.1:80 hex 00020004
- sctp 10.0.0.2:5 > 10.0.0.1:80 hex 00030004
x sctp 10.0.0.2:5 > 10.0.0.1:80
-p sctp -m sctp ! --chunk-types only SACK ; = ; OK
+ sctp 10.0.0.2:5 > 10.0.0.1:80 hex 0300000406000004
-p sctp -m sctp --chunk-types all SACK,ABORT ; = ; OK
+ sctp 10.0.0.2:5 > 10.0.0.1:80 hex 0300000406000004
- sctp 10.0.0.2:5 > 10.0.0.1:80 hex 06000004
-p sctp -m sctp --chunk-types any FOO ; ; FAIL
-p sctp -m sctp --chunk-types foo DATA ; ; FAIL
