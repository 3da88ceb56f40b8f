-p esp -m esp ! --espspi 5:7 ; = ; OK
- esp 10.0.0.2 > 10.0.0.1 hex 0000000500000001
+ esp 10.0.0.2 > 10.0.0.1 hex 0000000800000001
-p esp -m esp --espspi : ; -p esp -m esp ; OK
-p ipcomp -m ipcomp --ipcompspi 5 ; = ; OK
+ ipcomp 10.0.0.2 > 10.0.0.1 hex 06000005
-m esp ; ; FAIL
