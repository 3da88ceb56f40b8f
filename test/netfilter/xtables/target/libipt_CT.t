# Recorded from iptables-legacy 1.8.9 on Linux 6.18.
:PREROUTING
*raw
-j CT --notrack --zone 3;=;OK
-j CT;=;OK
-j CT --zone 3;=;OK
-j CT --zone 0;-j CT;OK
-j CT --zone mark;=;OK
-j CT --zone 65536;;FAIL
-j CT --zone-orig 5 --ctevents new,mark,assured,destroy;-j CT --ctevents new,destroy,assured,mark --zone-orig 5;OK
-j CT --zone-reply mark --expevents new;-j CT --expevents new --zone-reply mark;OK
-j CT --zone 3 --zone-reply 5;-j CT --zone-reply 5;OK
-j CT --helper ftp;;FAIL
-j CT --ctevents foo;;FAIL
-j CT --expevents mark;;FAIL
-j CT --zone-orig 5 --zone-reply 6;-j CT --zone 6;OK
-j CT --ctevents new,new,natseqinfo,secmark,protoinfo,helper,related,reply;-j CT --ctevents new,related,reply,protoinfo,helper,natseqinfo,secmark;OK
-j CT --timeout foo;;FAIL
-p tcp -j CT --helper ftp;=;OK
-p udp -j CT --helper ftp;;FAIL
-p tcp -j CT --helper foo;;FAIL
-j NOTRACK;=;OK
-j NOTRACK --zone 5;;FAIL
-j TRACE;=;OK
-j TRACE --foo;;FAIL
