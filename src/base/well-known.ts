/**
 * Names for numbers, from a table of ours and never from the machine: protocols(5), services(5), the users and groups every Debian has, syslog levels,
 * classes of DSCP and words for TOS, ICMP types as iptables calls them. A dump reads alike everywhere.
 */
import { lazy } from './memo.js';

/** number, name; one name each, as getprotobynumber(3) answers. */
const PROTOCOLS = `
0 ip; 0 hopopt; 1 icmp; 2 igmp; 3 ggp; 4 ipencap; 5 st; 6 tcp; 8 egp; 9 igp; 12 pup; 17 udp; 20 hmp; 22 xns-idp; 27 rdp; 29 iso-tp4; 33 dccp; 36 xtp
37 ddp; 38 idpr-cmtp; 41 ipv6; 43 ipv6-route; 44 ipv6-frag; 45 idrp; 46 rsvp; 47 gre; 50 esp; 51 ah; 57 skip; 58 ipv6-icmp; 59 ipv6-nonxt
60 ipv6-opts; 73 rspf; 81 vmtp; 88 eigrp; 89 ospf; 93 ax.25; 94 ipip; 97 etherip; 98 encap; 103 pim; 108 ipcomp; 112 vrrp; 115 l2tp; 124 isis
132 sctp; 133 fc; 135 mobility-header; 136 udplite; 137 mpls-in-ip; 138 manet; 139 hip; 140 shim6; 141 wesp; 142 rohc; 143 ethernet`;

/** port/protocols name,alias,… */
const SERVICES = `
1/tcp tcpmux; 7/tcp+udp echo; 9/tcp+udp discard,sink,null; 11/tcp systat,users; 13/tcp+udp daytime; 15/tcp netstat; 17/tcp qotd,quote
19/tcp+udp chargen,ttytst,source; 20/tcp ftp-data; 21/tcp ftp; 21/udp fsp,fspd; 22/tcp ssh; 23/tcp telnet; 25/tcp smtp,mail; 37/tcp+udp time,timserver
43/tcp whois,nicname; 49/tcp+udp tacacs; 53/tcp+udp domain; 67/udp bootps; 68/udp bootpc; 69/udp tftp; 70/tcp gopher; 79/tcp finger; 80/tcp http,www
88/tcp+udp kerberos,kerberos5,krb5,kerberos-sec; 102/tcp iso-tsap,tsap; 104/tcp acr-nema,dicom; 110/tcp pop3,pop-3; 111/tcp+udp sunrpc,portmapper
113/tcp auth,authentication,tap,ident; 119/tcp nntp,readnews,untp; 123/udp ntp; 135/tcp epmap,loc-srv; 137/udp netbios-ns; 138/udp netbios-dgm
139/tcp netbios-ssn; 143/tcp imap2,imap; 161/tcp+udp snmp; 162/tcp+udp snmp-trap,snmptrap; 163/tcp+udp cmip-man; 164/tcp+udp cmip-agent; 174/tcp mailq
177/udp xdmcp; 179/tcp bgp; 199/tcp smux; 209/tcp qmtp; 210/tcp z3950,wais; 213/udp ipx; 319/udp ptp-event; 320/udp ptp-general; 345/tcp pawserv
346/tcp zserv; 369/tcp+udp rpc2portmap; 370/tcp+udp codaauth2; 371/udp clearcase,Clearcase; 389/tcp+udp ldap; 427/tcp+udp svrloc; 443/tcp+udp https
444/tcp snpp; 445/tcp microsoft-ds; 464/tcp+udp kpasswd; 465/tcp submissions,ssmtp,smtps,urd; 487/tcp saft; 500/udp isakmp; 554/tcp+udp rtsp
607/tcp nqs; 623/udp asf-rmcp; 628/tcp qmqp; 631/tcp ipp; 646/tcp+udp ldp; 512/tcp exec; 512/udp biff,comsat; 513/tcp login; 513/udp who,whod
514/tcp shell,cmd,syslog; 514/udp syslog; 515/tcp printer,spooler; 517/udp talk; 518/udp ntalk; 520/udp route,router,routed; 538/tcp+udp gdomap
540/tcp uucp,uucpd; 543/tcp klogin; 544/tcp kshell,krcmd; 546/udp dhcpv6-client; 547/udp dhcpv6-server; 548/tcp afpovertcp; 563/tcp nntps,snntp
587/tcp submission; 636/tcp+udp ldaps; 655/tcp+udp tinc; 706/tcp silc; 749/tcp kerberos-adm; 853/tcp+udp domain-s; 873/tcp rsync; 989/tcp ftps-data
990/tcp ftps; 992/tcp telnets; 993/tcp imaps; 995/tcp pop3s; 1080/tcp socks; 1093/tcp proofd; 1094/tcp rootd; 1194/tcp+udp openvpn
1099/tcp rmiregistry; 1352/tcp lotusnote,lotusnotes; 1433/tcp ms-sql-s; 1434/udp ms-sql-m; 1524/tcp ingreslock; 1645/tcp+udp datametrics,old-radius
1646/tcp+udp sa-msg-port,old-radacct; 1649/tcp kermit; 1677/tcp groupwise; 1701/udp l2f,l2tp; 1812/tcp+udp radius; 1813/tcp+udp radius-acct,radacct
2000/tcp cisco-sccp; 2049/tcp+udp nfs; 2086/tcp+udp gnunet; 2101/tcp+udp rtcm-sc104; 2119/tcp gsigatekeeper; 2135/tcp gris; 2401/tcp cvspserver
2430/tcp+udp venus; 2431/tcp+udp venus-se; 2432/tcp+udp codasrv; 2433/tcp+udp codasrv-se; 2583/tcp+udp mon; 2628/tcp dict; 2792/tcp f5-globalsite
2811/tcp gsiftp; 2947/tcp gpsd; 3050/tcp gds-db,gds_db; 3130/udp icpv2,icp; 3205/tcp+udp isns; 3260/tcp iscsi-target; 3306/tcp mysql
3389/tcp ms-wbt-server; 3493/tcp+udp nut; 3632/tcp distcc; 3689/tcp daap; 3690/tcp svn,subversion; 4031/tcp suucp; 4094/tcp sysrqd; 4190/tcp sieve
4369/tcp epmd; 4373/tcp remctl; 4353/tcp f5-iquery; 4460/tcp ntske; 4500/udp ipsec-nat-t; 4569/udp iax; 4691/tcp mtn; 4899/tcp radmin-port
5060/tcp+udp sip; 5061/tcp+udp sip-tls; 5222/tcp xmpp-client,jabber-client; 5269/tcp xmpp-server,jabber-server; 5308/tcp cfengine; 5353/udp mdns
5432/tcp postgresql,postgres; 5556/tcp freeciv,rptp; 5671/tcp amqps; 5672/tcp+sctp amqp; 6000/tcp x11,x11-0; 6001/tcp x11-1; 6002/tcp x11-2
6003/tcp x11-3; 6004/tcp x11-4; 6005/tcp x11-5; 6006/tcp x11-6; 6007/tcp x11-7; 6346/tcp+udp gnutella-svc; 6347/tcp+udp gnutella-rtr; 6379/tcp redis
6444/tcp sge-qmaster,sge_qmaster; 6445/tcp sge-execd,sge_execd; 6446/tcp mysql-proxy; 6696/udp babel; 6697/tcp ircs-u; 7000/tcp bbs
7000/udp afs3-fileserver; 7001/udp afs3-callback; 7002/udp afs3-prserver; 7003/udp afs3-vlserver; 7004/udp afs3-kaserver; 7005/udp afs3-volser
7007/udp afs3-bos; 7008/udp afs3-update; 7009/udp afs3-rmtsys; 7100/tcp font-service,xfs; 8080/tcp http-alt,webcache; 8140/tcp puppet
9101/tcp bacula-dir; 9102/tcp bacula-fd; 9103/tcp bacula-sd; 9667/tcp xmms2; 10809/tcp nbd; 10050/tcp zabbix-agent; 10051/tcp zabbix-trapper
10080/tcp amanda; 11112/tcp dicom; 11371/tcp hkp; 17500/tcp db-lsp; 22125/tcp dcap; 22128/tcp gsidcap; 22273/tcp wnn6
750/udp+tcp kerberos4,kerberos-iv,kdc; 751/udp kerberos-master,kerberos_master; 751/tcp kerberos-master; 752/udp passwd-server,passwd_server
754/tcp krb-prop,krb_prop,krb5_prop,hprop; 2102/udp zephyr-srv; 2103/udp zephyr-clt; 2104/udp zephyr-hm; 2121/tcp iprop; 871/tcp supfilesrv
1127/tcp supfiledbg; 106/tcp poppassd; 775/tcp moira-db,moira_db; 777/tcp moira-update,moira_update; 779/udp moira-ureg,moira_ureg; 783/tcp spamd
1178/tcp skkserv; 1210/udp predict; 1236/tcp rmtcfg; 1313/tcp xtel; 1314/tcp xtelw; 2600/tcp zebrasrv; 2601/tcp zebra; 2602/tcp ripd; 2603/tcp ripngd
2604/tcp ospfd; 2605/tcp bgpd; 2606/tcp ospf6d; 2607/tcp ospfapi; 2608/tcp isisd; 4557/tcp fax; 4559/tcp hylafax; 4949/tcp munin,lrrd; 5555/udp rplay
5666/tcp nrpe; 5667/tcp nsca; 5680/tcp canna; 6514/tcp syslog-tls; 6566/tcp sane-port,sane,saned; 6667/tcp ircd; 8021/tcp zope-ftp; 8081/tcp tproxy
8088/tcp omniorb; 8990/tcp clc-build-daemon; 9098/tcp xinetd; 9418/tcp git; 9673/tcp zope; 10000/tcp webmin; 10081/tcp kamanda; 10082/tcp amandaidx
10083/tcp amidxtape; 17001/udp sgi-cmsd; 17002/udp sgi-crsd; 17003/udp sgi-gcd; 17004/tcp sgi-cad; 24554/tcp binkp; 27374/tcp+udp asp
30865/tcp csync2; 57000/tcp dircproxy; 60177/tcp tfido; 60179/tcp fido`;

const USERS = `
0 root; 1 daemon; 2 bin; 3 sys; 4 sync; 5 games; 6 man; 7 lp; 8 mail; 9 news; 10 uucp; 13 proxy; 33 www-data; 34 backup; 38 list; 39 irc; 65534 nobody`;

const GROUPS = `
0 root; 1 daemon; 2 bin; 3 sys; 4 adm; 5 tty; 6 disk; 7 lp; 8 mail; 9 news; 10 uucp; 12 man; 13 proxy; 15 kmem; 20 dialout; 21 fax; 22 voice;
24 cdrom; 25 floppy; 26 tape; 27 sudo; 29 audio; 30 dip; 33 www-data; 34 backup; 37 operator; 38 list; 39 irc; 40 src; 42 shadow; 43 utmp;
44 video; 45 sasl; 46 plugdev; 50 staff; 60 games; 100 users; 65534 nogroup`;

const entries = (table: string): string[] => table.split(/;?\n|; /).filter((e) => e !== '');

function numberTable(table: string): readonly (readonly [number, string])[] {
  return entries(table).map((e) => {
    const [n, name] = e.split(' ');
    return [Number(n), name] as const;
  });
}

const protocols = lazy(() => numberTable(PROTOCOLS));
/** Names that iptables itself adds to those of protocols(5) (xtables_chain_protos). */
const extraProtocols: readonly (readonly [string, number])[] = [
  ['icmpv6', 58],
  ['ipv6-mh', 135],
  ['mh', 135],
  ['all', 0],
];
const protocolByName = lazy(() => new Map([...protocols().map(([n, name]) => [name, n] as const), ...extraProtocols]));
const protocolByNumber = lazy(() => new Map([...protocols()].reverse()));

/** Protocol number of a name in lower case (not of digits); undefined when unknown. `all` is 0. */
export const protocolNumber = (name: string): number | undefined => protocolByName().get(name.toLowerCase());

/** Name that iptables-save prints for a protocol; undefined: it prints the number. */
export const protocolName = (n: number): string | undefined => (n === 0 ? undefined : protocolByNumber().get(n));

/** All protocol names, for "did you mean". */
export const protocolNames = (): readonly string[] => [...protocolByName().keys()];

const services = lazy(() => {
  const index = new Map<string, number>();
  for (const e of entries(SERVICES)) {
    const [where, names] = e.split(' ');
    const [port, protos] = where.split('/');
    for (const name of names.split(',')) {
      for (const key of [name, ...protos.split('+').map((p) => `${name}/${p}`)]) if (!index.has(key)) index.set(key, Number(port));
    }
  }
  return index;
});

/** Port of a service by name or alias, as getservbyname(3): `proto` is 'tcp', 'udp', … or null for any. */
export function servicePort(name: string, proto: string | null): number | undefined {
  return services().get(proto === null ? name : `${name}/${proto}`);
}

/** All service names, for "did you mean". */
export const serviceNames = (): readonly string[] => [...services().keys()].filter((k) => !k.includes('/'));

const userByName = lazy(() => new Map(numberTable(USERS).map(([n, name]) => [name, n])));
const groupByName = lazy(() => new Map(numberTable(GROUPS).map(([n, name]) => [name, n])));
export const userId = (name: string): number | undefined => userByName().get(name);
export const groupId = (name: string): number | undefined => groupByName().get(name);

/** syslog(3) levels by number, with the spellings iptables and ebtables take. */
export const syslogLevels: readonly (readonly [string, number])[] = [
  ['emerg', 0],
  ['panic', 0],
  ['alert', 1],
  ['crit', 2],
  ['err', 3],
  ['error', 3],
  ['warning', 4],
  ['warn', 4],
  ['notice', 5],
  ['info', 6],
  ['debug', 7],
];

/** DiffServ classes of RFC 2474, 2597, 3246 as `--dscp-class` and `--set-dscp-class` take them, compared without regard to case. */
export const dscpClasses: readonly (readonly [string, number])[] = [
  ['CS0', 0x00],
  ['CS1', 0x08],
  ['CS2', 0x10],
  ['CS3', 0x18],
  ['CS4', 0x20],
  ['CS5', 0x28],
  ['CS6', 0x30],
  ['CS7', 0x38],
  ['BE', 0x00],
  ['AF11', 0x0a],
  ['AF12', 0x0c],
  ['AF13', 0x0e],
  ['AF21', 0x12],
  ['AF22', 0x14],
  ['AF23', 0x16],
  ['AF31', 0x1a],
  ['AF32', 0x1c],
  ['AF33', 0x1e],
  ['AF41', 0x22],
  ['AF42', 0x24],
  ['AF43', 0x26],
  ['EF', 0x2e],
];
export const dscpClass = (name: string): number | undefined => dscpClasses.find(([n]) => n === name.toUpperCase())?.[1];

/** Words for the TOS byte (RFC 1349), with mask 0x3f in `--tos` and `--set-tos`. */
export const tosNames: readonly (readonly [string, number])[] = [
  ['Minimize-Delay', 0x10],
  ['Maximize-Throughput', 0x08],
  ['Maximize-Reliability', 0x04],
  ['Minimize-Cost', 0x02],
  ['Normal-Service', 0x00],
];

/** ICMP names of iptables: type, lowest and highest code. 'any' is type 255. */
export interface IcmpName {
  readonly name: string;
  readonly type: number;
  readonly codeMin: number;
  readonly codeMax: number;
}

const icmpRow = (row: string): IcmpName => {
  const [name, type, lo, hi] = row.split(' ');
  return { name, type: Number(type), codeMin: Number(lo), codeMax: Number(hi ?? lo) };
};

/** `--icmp-type` (extensions/libxt_icmp.h as iptables(8) `-p icmp -h` lists it), in the order searched. */
export const icmpTypes = lazy((): readonly IcmpName[] =>
  entries(`
any 255 0 255; echo-reply 0 0 255; pong 0 0 255; destination-unreachable 3 0 255; network-unreachable 3 0; host-unreachable 3 1; protocol-unreachable 3 2;
port-unreachable 3 3; fragmentation-needed 3 4; source-route-failed 3 5; network-unknown 3 6; host-unknown 3 7; network-prohibited 3 9; host-prohibited 3 10;
TOS-network-unreachable 3 11; TOS-host-unreachable 3 12; communication-prohibited 3 13; host-precedence-violation 3 14; precedence-cutoff 3 15;
source-quench 4 0 255; redirect 5 0 255; network-redirect 5 0; host-redirect 5 1; TOS-network-redirect 5 2; TOS-host-redirect 5 3; echo-request 8 0 255; ping 8 0 255;
router-advertisement 9 0 255; router-solicitation 10 0 255; time-exceeded 11 0 255; ttl-exceeded 11 0 255; ttl-zero-during-transit 11 0;
ttl-zero-during-reassembly 11 1; parameter-problem 12 0 255; ip-header-bad 12 0; required-option-missing 12 1; timestamp-request 13 0 255;
timestamp-reply 14 0 255; address-mask-request 17 0 255; address-mask-reply 18 0 255`).map(icmpRow),
);

/** `--icmpv6-type` (ip6tables `-p icmpv6 -h`), in the order searched. */
export const icmp6Types = lazy((): readonly IcmpName[] =>
  entries(`
destination-unreachable 1 0 255; no-route 1 0; communication-prohibited 1 1; beyond-scope 1 2; address-unreachable 1 3; port-unreachable 1 4; failed-policy 1 5;
reject-route 1 6; packet-too-big 2 0 255; time-exceeded 3 0 255; ttl-exceeded 3 0 255; ttl-zero-during-transit 3 0; ttl-zero-during-reassembly 3 1;
parameter-problem 4 0 255; bad-header 4 0; unknown-header-type 4 1; unknown-option 4 2; echo-request 128 0 255; ping 128 0 255; echo-reply 129 0 255; pong 129 0 255;
mld-listener-query 130 0 255; mld-listener-report 131 0 255; mld-listener-done 132 0 255; mld-listener-reduction 132 0 255; router-solicitation 133 0 255;
router-advertisement 134 0 255; neighbour-solicitation 135 0 255; neighbor-solicitation 135 0 255; neighbour-advertisement 136 0 255;
neighbor-advertisement 136 0 255; redirect 137 0 255`).map(icmpRow),
);

/** Type and code range of an ICMP name or of a unique, case-insensitive beginning of one; 'ambiguous' names both. Undefined when unknown. */
export function icmpByName(list: readonly IcmpName[], word: string): IcmpName | { readonly ambiguous: readonly [string, string] } | undefined {
  const w = word.toLowerCase();
  const exact = list.find((t) => t.name.toLowerCase() === w);
  if (exact) return exact;
  const found = list.filter((t) => t.name.toLowerCase().startsWith(w));
  if (found.length > 1) return { ambiguous: [found[0].name, found[1].name] };
  return found[0];
}
