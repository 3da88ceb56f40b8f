# Recorded from ip6tables-legacy 1.8.9 on Linux 6.18.
:FORWARD
*mangle
-j HL;;FAIL
-j HL --hl-set 0;=;OK
-j HL --hl-set 255;=;OK
-j HL --hl-dec 0;;FAIL
-j HL --hl-dec 1;=;OK
-j HL --hl-inc 255;=;OK
-j HL --hl-dec 1 --hl-inc 1;;FAIL
