-m conntrack --ctstate est,RELATED ; -m conntrack --ctstate RELATED,ESTABLISHED ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct ESTABLISHED
+ udp 10.0.0.2 > 10.0.0.1 ; ct REPLY
+ udp 10.0.0.2 > 10.0.0.1 ; ct RELATED
- udp 10.0.0.2 > 10.0.0.1 ; ct NEW
- udp 10.0.0.2 > 10.0.0.1
-m conntrack --ctstate INVALID ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; ct UNTRACKED
- udp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m conntrack ! --ctstate DNAT ; = ; OK
- udp 10.0.0.2 > 10.0.0.1 ; ct REPLY,DNAT
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW,SNAT
+ udp 10.0.0.2 > 10.0.0.1
# without a connection only the state counts, and without --ctstate nothing matches
-m conntrack --ctstate INVALID --ctproto 6 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1
-m conntrack ! --ctproto 17 ; = ; OK
- udp 10.0.0.2 > 10.0.0.1
- udp 10.0.0.2 > 10.0.0.1 ; ct NEW
+ tcp 10.0.0.2 > 10.0.0.1 ; ct NEW
-m conntrack --ctorigsrc 10.0.0.0/255.255.255.0 ! --ctorigdst 10.0.0.9 ; -m conntrack --ctorigsrc 10.0.0.0/24 ! --ctorigdst 10.0.0.9 ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
- udp 10.0.1.2 > 10.0.0.1 ; ct NEW
- udp 10.0.0.2 > 10.0.0.9 ; ct NEW
-m conntrack --ctorigdstport 80 --ctdir REPLY ; = ; OK
+ tcp 10.0.0.2:5 > 10.0.0.1:80 ; ct REPLY
- tcp 10.0.0.2:5 > 10.0.0.1:80 ; ct NEW
-m conntrack --ctorigsrcport : ; -m conntrack --ctorigsrcport 0:65535 ; OK
-m conntrack --ctstatus CONFIRMED --ctexpire 50:70 ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
- udp 10.0.0.2 > 10.0.0.1 ; ct NEW at 30000
-m conntrack --ctorigdstport 4:3 ; ; FAIL
-m conntrack --ctstate wrong ; ; FAIL
-m conntrack ; ; FAIL
-m state --state NEW,UNTRACKED ; = ; OK
+ udp 10.0.0.2 > 10.0.0.1 ; ct NEW
+ udp 10.0.0.2 > 10.0.0.1 ; ct UNTRACKED
- udp 10.0.0.2 > 10.0.0.1
-m state --state SNAT ; ; FAIL
