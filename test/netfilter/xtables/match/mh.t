family ipv6
-p mobility-header -m mh --mh-type bu ; -p mobility-header -m mh --mh-type 5 ; OK
+ proto 135 ::1 > ::2 hex 3b00050000000000
- proto 135 ::1 > ::2 hex 3b00060000000000
x proto 135 ::1 > ::2 hex 0600050000000000
-p mobility-header -m mh --mh-type 4:3 ; ; FAIL
