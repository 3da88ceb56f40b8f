-m set --match-set foo src ; = ; OK
+ udp 10.0.0.9 > 10.0.0.1
- udp 10.0.0.1 > 10.0.0.9
-m set ! --match-set foo src,dst ; = ; OK
+ udp 10.0.0.9 > 10.0.0.1
-m set --match-set foo dst --return-nomatch ! --update-counters ! --packets-eq 5 --bytes-gt 7 ; = ; OK
-m set --match-set nosuch src ; ; FAIL
-m set --match-set foo ; ; FAIL
-m set --match-set foo srcdst ; ; FAIL
-m set --match-set foo src --packets-eq 1 --packets-lt 2 ; ; FAIL
