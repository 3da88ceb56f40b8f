/** Every door through which text or bytes come in, as a function from text to what it has to say about it; real texts for each of them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, formatDiagnostic, Reporter } from '../../src/base/diagnostic.js';
import { readBridgeFdb, readBridgeLink, readBridgeVlan } from '../../src/formats/bridge.js';
import { readConntrack } from '../../src/formats/conntrack.js';
import { parseConntrackCommand } from '../../src/formats/conntrack-command.js';
import { readEbtablesSave } from '../../src/formats/ebtables-save.js';
import { readIpAddr } from '../../src/formats/ip-addr.js';
import { readIpLink } from '../../src/formats/ip-link.js';
import { readIpNeigh } from '../../src/formats/ip-neigh.js';
import { readIpRoute } from '../../src/formats/ip-route.js';
import { parseRouteArgs } from '../../src/formats/ip-route-args.js';
import { readIpRule } from '../../src/formats/ip-rule.js';
import { parseRuleArgs } from '../../src/formats/ip-rule-args.js';
import { readIpsetList } from '../../src/formats/ipset-list.js';
import { applyIpsetCommand, readIpsetSave } from '../../src/formats/ipset-save.js';
import { applyIptablesCommand } from '../../src/formats/iptables-command.js';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import { readNftList } from '../../src/formats/nft-list.js';
import { readRtTables } from '../../src/formats/rt-names.js';
import { readSockets } from '../../src/formats/sockets.js';
import { readSysctl } from '../../src/formats/sysctl.js';
import { linesOf, wordsOf } from '../../src/formats/tokens.js';
import { readTraceLog } from '../../src/formats/trace-log.js';
import { readXfrmPolicy, readXfrmState } from '../../src/formats/xfrm.js';
import { ruleCode } from '../../src/netfilter/nftables/rule.js';
import { readPcap } from '../../src/packet/pcap.js';
import { parsePacketText } from '../../src/packet/text.js';
import { loadScenario } from '../../src/scenario/load.js';
import { nodeFromSnapshot } from '../../src/scenario/snapshot.js';
import { memoryFiles } from '../diagnostics.readers.js';
import { localCorpus, readCase } from '../kernel/corpus-files.js';

export type Reader = (text: string) => readonly Diagnostic[];

const o = { file: 'x' };
const v4 = { ...o, family: 'ipv4' } as const;
const v6 = { ...o, family: 'ipv6' } as const;
const words = (t: string): string[] => t.split(/\s+/).filter((w) => w !== '');
const EMPTY = { family: 'ipv4', tables: [] } as const;
const EMPTY6 = { family: 'ipv6', tables: [] } as const;
const SETS = readIpsetSave('create a hash:ip family inet\ncreate b hash:net,port family inet timeout 5 comment\ncreate c list:set size 8\n', o).value;

/** By the tool whose text it is. Command lines are read as their words. */
export const doors: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['ip-link', (t) => readIpLink(t, o).diagnostics],
  ['ip-addr', (t) => readIpAddr(t, o).diagnostics],
  ['ip-neigh', (t) => readIpNeigh(t, o).diagnostics],
  ['ip-route', (t) => readIpRoute(t, v4).diagnostics],
  ['ip6-route', (t) => readIpRoute(t, v6).diagnostics],
  ['ip-rule', (t) => readIpRule(t, v4).diagnostics],
  ['ip6-rule', (t) => readIpRule(t, v6).diagnostics],
  ['bridge-fdb', (t) => readBridgeFdb(t, o).diagnostics],
  ['bridge-link', (t) => readBridgeLink(t, o).diagnostics],
  ['bridge-vlan', (t) => readBridgeVlan(t, o).diagnostics],
  ['sysctl', (t) => readSysctl(t, o).diagnostics],
  ['sockets', (t) => readSockets(t, o).diagnostics],
  ['xfrm-policy', (t) => readXfrmPolicy(t, o).diagnostics],
  ['xfrm-state', (t) => readXfrmState(t, o).diagnostics],
  ['iptables-save', (t) => readIptablesSave(t, v4).diagnostics],
  ['ip6tables-save', (t) => readIptablesSave(t, v6).diagnostics],
  ['ipset-list', (t) => readIpsetList(t, o).diagnostics],
  ['ipset-save', (t) => readIpsetSave(t, o).diagnostics],
  ['ebtables-save', (t) => readEbtablesSave(t, 'x').diagnostics],
  ['conntrack', (t) => readConntrack(t, 'x').diagnostics],
  [
    'conntrack-command',
    (t) => {
      const reporter = new Reporter('x', t);
      parseConntrackCommand(wordsOf(linesOf(t)[0] ?? { text: '', number: 1 }), reporter);
      return reporter.diagnostics;
    },
  ],
  ['packet-text', (t) => parsePacketText(t, { file: 'x', line: 1, column: 1 }).diagnostics],
  ['scenario', (t) => loadScenario('x', memoryFiles({ x: t })).diagnostics],
  ['trace-log', (t) => readTraceLog(t.split('\n'), 'x').diagnostics],
  ['snapshot', (t) => nodeFromSnapshot('n', t, 'x').diagnostics],
  ['pcap', (t) => readPcap(Buffer.from(t, 'latin1'), 'x').diagnostics],
  ['nft-list', (t) => readNftList(t).diagnostics],
  [
    'nft-rules',
    (t) => {
      for (const table of readNftList(`table inet t {\nset s { type ipv4_addr . inet_service; flags interval; }\nchain c {\n${t}\n}\n}\n`).value)
        for (const c of table.chains) for (const r of c.rules) ruleCode(table, r);
      return [];
    },
  ],
  [
    'rt-tables',
    (t) => {
      readRtTables(t);
      return [];
    },
  ],
  ['iptables-command', (t) => applyIptablesCommand(words(t), EMPTY, { file: 'x' }).diagnostics],
  ['ip6tables-command', (t) => applyIptablesCommand(words(t), EMPTY6, { file: 'x' }).diagnostics],
  ['ipset-command', (t) => applyIpsetCommand(words(t), SETS, { file: 'x' }).diagnostics],
  // These point into the whole command line, which they show.
  ['route-command', (t) => parseRouteArgs('add', words(t), { family: 'ipv4' }).diagnostics],
  ['route6-command', (t) => parseRouteArgs('add', words(t), { family: 'ipv6' }).diagnostics],
  ['rule-command', (t) => parseRuleArgs('add', words(t), { family: 'ipv4' }).diagnostics],
]);

/** Doors whose diagnostics point into the text given (command lines point into the words joined by one space). */
export const commandDoors: ReadonlySet<string> = new Set([...doors.keys()].filter((d) => d.endsWith('-command')));

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const shared = join(root, '../shared/dumps');

/** Which door a file in a folder of dumps belongs to, by its name. */
function doorOfFile(name: string): string | null {
  const table: readonly (readonly [RegExp, string])[] = [
    [/ip6tables/, 'ip6tables-save'],
    [/iptables/, 'iptables-save'],
    [/ipset-list/, 'ipset-list'],
    [/ipset/, 'ipset-save'],
    [/ebtables/, 'ebtables-save'],
    [/ip-addr|ipaddr/, 'ip-addr'],
    [/ip-link|iplink/, 'ip-link'],
    [/ip-?6-?route|route6/, 'ip6-route'],
    [/route/, 'ip-route'],
    [/rule/, 'ip-rule'],
    [/neigh/, 'ip-neigh'],
    [/xfrm-policy/, 'xfrm-policy'],
    [/xfrm-state/, 'xfrm-state'],
    [/conntrack/, 'conntrack'],
    [/sysctl/, 'sysctl'],
    [/\.yaml$/, 'scenario'],
  ];
  return table.find(([re]) => re.test(name))?.[1] ?? null;
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir).flatMap((f) => {
    const p = join(dir, f);
    return statSync(p).isDirectory() ? filesBelow(p) : [p];
  });
}

const COMMANDS: readonly (readonly [string, string])[] = [
  ['conntrack-command', '-D -p tcp --orig-src 10.0.0.1 --orig-dst 10.0.0.0/8 --dport 80 --state ESTABLISHED --mark 1/0xff -z'],
  ['conntrack-command', '-I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 5 --dport 6 --timeout 30 -u ASSURED'],
  ['packet-text', 'tcp 10.0.0.1:4000 > 10.0.0.2:80 syn ttl 3 tos 0x10 id 7 df len 100'],
  ['packet-text', 'icmp6 fe80::1 > ff02::1 type 128 ext hop 0502 raw hex 0035'],
  ['packet-text', 'udp [2001:db8::1]:53 > [2001:db8::2]:99 data "hello" frag 1480 mf'],
  [
    'iptables-command',
    '-t nat -A PREROUTING -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -m comment --comment x -j DNAT --to-destination 10.0.0.1:80',
  ],
  [
    'iptables-command',
    '-A INPUT -m hashlimit --hashlimit-name a --hashlimit-above 5/sec --hashlimit-mode srcip -m time --timestart 10:00 -m string --algo bm --hex-string |41|x -j LOG --log-prefix y',
  ],
  [
    'iptables-command',
    '-R OUTPUT 1 -m u32 --u32 0>>22&0x3C@0&0xFF=8:9 -m statistic --mode nth --every 3 -m set --match-set a src,dst -j SET --add-set b src --timeout 5',
  ],
  [
    'ip6tables-command',
    '-I FORWARD 1 -s 2001:db8::/32 -m frag --fragid 5 -m rt --rt-type 0 -m ipv6header --header hop,dst --soft -j REJECT --reject-with icmp6-adm-prohibited',
  ],
  ['nft-rules', 'tcp flags syn / syn,ack ct state != established,related ip saddr . tcp dport { 10.0.0.0/8 . 80-90, 10.9.0.1 . 1 } counter'],
  [
    'nft-rules',
    'iifname { "e*", "lo" } ip6 saddr & ::ff | ::1 == ::1 ip dscp >> 2 . ip saddr @s meta mark and 0xff or 1 0x0/5 meta hour "10:00"-"12:00" accept',
  ],
  [
    'nft-rules',
    'fib saddr . mark . iif oif missing tcp option @2,16,16 1400 srh sid[1] ::1 jhash ip saddr . udp dport mod 4 seed 0xbeef vmap { 0 : drop, 1-3 : jump c }',
  ],
  [
    'nft-rules',
    '@nh,64,128 0x20010db8 ct original ip saddr 10.1.0.2 ct label 5 ip option lsrr addr 5 meta time < "2024-01-01 00:00:00" ipsec in spnum 1 reqid 5 rt nexthop ::1',
  ],
  ['ipset-command', 'add b 10.0.0.0/24,tcp:80-90 timeout 30 comment x'],
  ['ipset-command', 'create z hash:net,iface family inet6 hashsize 64 maxelem 10 skbinfo counters'],
  ['route-command', '10.0.0.0/8 via 10.1.0.1 dev eth0 table 100 metric 5 mtu lock 1400 src 10.1.0.2 nexthop via 10.1.0.3 weight 2'],
  ['route6-command', '2001:db8::/32 via fe80::1 dev eth0 metric 5 pref high expires 30 encap seg6 mode inline'],
  ['rule-command', 'from 10.0.0.0/8 to 10.1.0.0/16 iif eth0 fwmark 1/0xff sport 5-6 ipproto tcp uidrange 0-5 lookup 100 pref 50 suppress_prefixlength 0'],
  ['sockets', 'tcp 0.0.0.0:80 dev eth0 uid 5 transparent\nudp [::]:53\n'],
  ['bridge-vlan', 'port              vlan-id\nveth0             1 PVID Egress Untagged\n                  10-20\n'],
  ['rt-tables', '100 vpn\n0x65\tother # comment\n'],
  [
    'conntrack',
    'ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 [ASSURED] mark=0 zone=3 use=1\n',
  ],
  ['conntrack', 'icmp 1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=5 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=5 mark=0 use=1\n'],
  ['ip-neigh', '10.0.0.1 dev eth0 lladdr 02:00:00:00:00:01 STALE\nfe80::1 dev eth0 lladdr 02:00:00:00:00:01 router REACHABLE\n10.0.0.3 dev eth0 FAILED\n'],
  ['bridge-fdb', '02:00:00:00:00:01 dev eth0 vlan 10 master br0 permanent\n00:00:00:00:00:00 dev vx dst 10.0.0.2 port 4789 vni 7 via eth0 self permanent\n'],
  [
    'ipset-list',
    'Name: a\nType: hash:ip\nRevision: 5\nHeader: family inet hashsize 1024 maxelem 65536 timeout 5\nSize in memory: 200\nReferences: 0\nNumber of entries: 1\nMembers:\n10.0.0.1 timeout 3\n',
  ],
  [
    'snapshot',
    'netfilter-sim snapshot 1\n== hostname: uname -n\n|node1\n|\n-- exit 0\n== ip-rule.txt: ip rule show\n|0:\tfrom all lookup local\n|\n!x\n-- exit 0\n== ipset-save: \n-- missing ipset\n== iptables-legacy-save: iptables-save\n|*nat\n|:PREROUTING ACCEPT [0:0]\n|-A PREROUTING -m set --match-set a src -j ACCEPT\n|COMMIT\n|\n-- exit 0\n== end\n',
  ],
  [
    'trace-log',
    '<4>[ 12.5] TRACE: filter:FORWARD:rule:3 IN=br0 OUT=eth0 PHYSIN=v1 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.0.0.1 DST=10.0.0.2 LEN=56 TOS=0x00 PREC=0xC0 TTL=63 ID=1 DF PROTO=ICMP TYPE=3 CODE=4 [SRC=1.1.1.1 DST=2.2.2.2 LEN=1500 TOS=0x00 PREC=0x00 TTL=60 ID=77 PROTO=UDP INCOMPLETE [4 bytes] ] MTU=1400 MARK=0x1\n',
  ],
  [
    'trace-log',
    'PACKET: 2 a1 IN=r0 MACSRC=2:0:0:0:1:2 MACDST=2:0:0:0:1:1 MACPROTO=0800 SRC=10.1.0.2 DST=10.2.0.2 LEN=60 TOS=0x0 TTL=64 ID=3DF SPORT=4000 DPORT=80 SYN \n TRACE: 2 a1 filter:FORWARD:rule:0x4:JUMP:U  -4 -t filter -A FORWARD -j U\n TRACE: 2 a1 filter:FORWARD:policy:DROP \n',
  ],
  [
    'trace-log',
    'trace id a1 ip filter FORWARD packet: iif "r0" oif "r1" ether saddr 02:00:00:00:00:02 ip saddr 10.1.0.2 ip daddr 10.2.0.2 ip dscp af11 ip ttl 63 ip id 5 ip length 84 icmp type echo-request icmp id 13\ntrace id a1 ip filter FORWARD rule counter jump U (verdict jump U)\n',
  ],
  ['pcap', Buffer.from('d4c3b2a1020004000000000000000000000004000100000001000000020000000400000004000000deadbeef', 'hex').toString('latin1')],
];

/** Real texts by door: the repo's recorded cases, its scenarios, one command line of each kind; with `large`, the dumps beside the repository. */
export function realTexts(large = false): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, string[]>();
  const put = (door: string, text: string): void => {
    const list = out.get(door);
    if (!list) out.set(door, [text]);
    else if (large || list.length < 12) list.push(text);
  };
  for (const [door, text] of COMMANDS) put(door, text);
  const folders = [join(root, 'scenarios'), ...(large && existsSync(shared) ? [shared] : [])];
  for (const f of folders.flatMap(filesBelow)) {
    const door = doorOfFile(f.slice(f.lastIndexOf('/') + 1));
    if (door && statSync(f).size < 200_000) put(door, readFileSync(f, 'utf8'));
  }
  const parts: readonly (readonly [string, string])[] = [
    ['link', 'ip-link'],
    ['addr', 'ip-addr'],
    ['neigh', 'ip-neigh'],
    ['route_text', 'ip-route'],
    ['route', 'ip-route'],
    ['rule_text', 'ip-rule'],
    ['rule', 'ip-rule'],
    ['route6_text', 'ip6-route'],
    ['rule6_text', 'ip6-rule'],
    ['bridge_fdb', 'bridge-fdb'],
    ['bridge_link', 'bridge-link'],
    ['iptables_save', 'iptables-save'],
    ['ip6tables_save', 'ip6tables-save'],
    ['ebtables_save', 'ebtables-save'],
    ['ipset_save', 'ipset-save'],
    ['nft_ruleset', 'nft-list'],
  ];
  for (const file of localCorpus()) {
    for (const line of file.lines.slice(0, large ? 100 : 6)) {
      const state = new Map(Object.entries(readCase(file, line).state));
      for (const [key, door] of parts) {
        const v = state.get(key);
        if (v !== undefined && v !== null && v !== '') put(door, typeof v === 'string' ? v : JSON.stringify(v));
      }
    }
  }
  return out;
}

/** What is wrong with a diagnostic itself: a place outside the text, no stable code, words that leaked. */
export function faultOf(d: Diagnostic, text: string): string | null {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(d.code)) return `code “${d.code}”`;
  if (d.span === null) return 'no place';
  const lines = (d.span.file === 'command' ? (d.sourceLine ?? '') : text).split('\n');
  if (!Number.isInteger(d.span.line) || d.span.line < 1 || d.span.line > lines.length) return `line ${d.span.line} of ${lines.length}`;
  const width = lines[d.span.line - 1].length;
  if (!Number.isInteger(d.span.column) || d.span.column < 1 || d.span.column > width + 1) return `column ${d.span.column} in a line of ${width}`;
  if (!(d.span.length >= 0)) return `length ${d.span.length}`;
  if (d.message.length > 2000 || (d.hint?.length ?? 0) > 2000) return 'a message of more than 2000 characters';
  if (/\bundefined\b|\[object|\bNaN\b/.test(d.message) && !/undefined|\[object|NaN/.test(text)) return `message “${d.message}”`;
  formatDiagnostic(d);
  return null;
}
