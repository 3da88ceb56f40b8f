/** Words that nft(8) gives a meaning: one that a rule has and this program does not is something to come, one that is not here is a mistake. */
export const keywords: ReadonlySet<string> = new Set(
  (
    'accept drop continue return jump goto queue queueto to add update delete reset replace insert create destroy flush rename list counter quota limit last log ' +
    'reject masquerade snat dnat redirect fwd dup tproxy synproxy notrack set map vmap meter flow offload element comment over until used packets bytes kbytes ' +
    'mbytes name rate burst second minute hour day week unlimited prefix group snaplen queue-threshold level emerg alert crit err warn notice info debug audit ' +
    'flags all random fully-random persistent bypass fanout num with icmp icmpx icmpv6 igmp type code tcp udp udplite sctp dccp ah esp comp ip ip6 inet arp bridge netdev ' +
    'ether vlan gre gretap geneve vxlan th hdrlength daddr saddr sport dport protocol length tos dscp ecn ttl hoplimit nexthdr flowlabel version id frag-off checksum ' +
    'sequence ackseq doff reserved window urgptr sack0 sack1 sack2 sack3 sack sack-perm sack-permitted maxseg mss timestamp tsval tsecr echo eol nop fastopen md5sig mptcp ' +
    'option exists missing cpi spi hdrlen nexthdr parameter-problem mtu gateway max-delay mrt rtr-len tag vtag chunk data init init-ack heartbeat heartbeat-ack abort ' +
    'shutdown shutdown-ack error cookie-echo cookie-ack ecne cwr shutdown-complete asconf-ack forward-tsn asconf tsn stream ssn ppid a-rwnd num-outbound-streams ' +
    'num-inbound-streams initial-tsn cum-tsn-ack num-gap-ack-blocks num-dup-tsns lowest-tsn seqno new-cum-tsn cfi pcp dei operation htype ptype hlen plen ' +
    'meta mark iif iifname iiftype oif oifname oiftype iifkind oifkind iifgroup oifgroup sdif sdifname ibrname obrname ibriport obriport ibrpvid ibrvproto l4proto nfproto ' +
    'priority pkttype cpu cgroup cgroupv2 random secpath ipsec in out reqid spnum rtclassid skuid skgid nftrace secmark time hour day ct state direction status expiration ' +
    'helper label zone original reply l3proto proto proto-src proto-dst avgpkt eventmask event count established related new untracked invalid rt nexthop mtu classid ' +
    'fib socket transparent wildcard osf numgen inc mod offset jhash symhash seed ll nh dst srh rt rt0 rt2 rt4 hbh frag mh auth seg-left more-fragments reserved2 last-entry sid ' +
    'exthdr and or xor not lshift rshift eq ne lt gt le ge xt match target timeout expires timestamp dccp typeof ifname true false broadcast host multicast other unicast ' +
    'redirect addr iface present vlan_hlen accounting size interval constant dynamic hw_offload device devices ingress egress policy hook flowtable'
  ).split(' '),
);
