/** Every row of the table of causes: a dump or a log that lacks that very thing, and what the tool makes of it. */
import { expect, it } from 'vitest';
import { causeTable } from '../../../src/harness/check-log/diagnose.js';
import { check, dump, type Edits, linesOf } from './lab.js';

interface Row {
  readonly cause: string;
  readonly what: string;
  readonly backend?: 'legacy' | 'nft';
  readonly dump?: Edits;
  readonly log?: (lines: string[]) => string[];
  /** Of the candidate's text. */
  readonly says: RegExp;
  /** Of the real node's commands, or of the facts. */
  readonly shows?: RegExp;
  /** It is the first one; default true. */
  readonly first?: boolean;
  /** With the change the whole packet agrees. */
  readonly whole?: boolean;
}

const replace = (from: string | RegExp, to: string) => (text: string) => text.replace(from, to);
const inFilter = (from: string, to: string) => (text: string) => text.replace(/\*filter[\s\S]*?COMMIT/, (t) => t.replace(from, to));
const without = (table: string) => (text: string) => text.replace(new RegExp(`\\*${table}[\\s\\S]*?COMMIT\\n`), '');
const bridged = (lines: string[]): string[] => lines.filter((l) => /10\.3\.0\.2/.test(l));
/** The lines of the first ping's request. */
const first = 10;

const rows: readonly Row[] = [
  {
    cause: 'inconclusive',
    what: 'a match that is not known here',
    dump: { 'iptables-save': replace('-A FW -p udp', '-A FW -m geoip --source-country DE -j DROP\n-A FW -p udp') },
    says: /the model does not know: .*geoip/,
  },
  {
    cause: 'device-missing',
    what: 'a device renamed since',
    dump: {
      'ip-link.json': replace(/"r1"/g, '"r9"'),
      'ip-addr.json': replace(/"r1"/g, '"r9"'),
      'ip-route.txt': replace(/dev r1/g, 'dev r9'),
      'ip-route6.txt': () => null,
    },
    says: /no device r1/,
    shows: /ip -d link show r1/,
  },
  {
    cause: 'other-backend',
    what: 'iptables-nft-save where iptables-legacy-save was meant',
    dump: { 'iptables-save': () => null, 'ip6tables-save': () => null },
    says: /the log is of iptables-legacy/,
    shows: /iptables-legacy-save/,
  },
  {
    cause: 'table-missing',
    what: 'no *mangle',
    dump: { 'iptables-save': without('mangle') },
    says: /the table mangle is not in the dump/,
    shows: /-save -t mangle/,
  },
  {
    cause: 'chain-missing',
    what: 'a chain and the jump to it',
    dump: { 'iptables-save': (t) => t.replace(/.*SVC.*\n/g, '') },
    says: /the chain SVC of table filter is not in the dump/,
    shows: /-t filter -S SVC/,
  },
  {
    cause: 'bridge-nf-call',
    what: 'bridge-nf-call-iptables 0 in the dump',
    dump: { 'sysctl.txt': replace('bridge-nf-call-iptables = 1', 'bridge-nf-call-iptables = 0') },
    says: /bridge-nf-call-iptables was 1/,
    shows: /PHYSIN=p0/,
    log: bridged,
    whole: true,
  },
  {
    cause: 'bridge-nf-call',
    what: 'bridge-nf-call-iptables 1 in the dump, the log made with 0',
    log: (l) => bridged(l).map((x) => x.replace(/ PHYS(IN|OUT)=\S+/g, '')),
    says: /bridge-nf-call-iptables was 0/,
    whole: true,
  },
  {
    cause: 'policy',
    what: 'INPUT was ACCEPT',
    dump: { 'iptables-save': inFilter(':INPUT ACCEPT', ':INPUT DROP') },
    log: (l) => l.filter((x) => / DPT=81 | SPT=81 /.test(x)),
    says: /the policy of filter:INPUT was ACCEPT when the log was made; the dump says DROP/,
    shows: /-t filter -S INPUT/,
    whole: true,
  },
  {
    cause: 'policy',
    what: 'the log ends at a policy',
    dump: {
      'iptables-save': (t) =>
        t.replace(/\*filter[\s\S]*?COMMIT/, (f) =>
          f.replace(':FORWARD DROP', ':FORWARD ACCEPT').replace('-A SVC -p icmp -j ACCEPT\n', '').replace('-A FORWARD -m set', '-A FORWARD -p tcp -m set'),
        ),
    },
    log: (l) => [...l.slice(0, 6), l[6].replace('filter:FORWARD:rule:3', 'filter:FORWARD:policy:5')],
    says: /the policy of filter:FORWARD was DROP when the log was made/,
    shows: /prints no verdict/,
    whole: true,
  },
  {
    cause: 'sysctl',
    what: 'forwarding off in the dump',
    dump: { 'sysctl.txt': (t) => t.replace('ip_forward = 1', 'ip_forward = 0').replace(/(ipv4\.conf\.\S+\.forwarding) = 1/g, '$1 = 0') },
    says: /forwarding was on/,
    shows: /the dump says net.ipv4.ip_forward = 0/,
    whole: true,
  },
  {
    cause: 'sysctl',
    what: 'rp_filter on in the dump, and the route back elsewhere',
    dump: { 'sysctl.txt': replace(/rp_filter = 0/g, 'rp_filter = 1'), 'ip-route.txt': replace('10.1.0.0/24 dev r0', '10.1.0.0/24 dev br0') },
    log: (l) => l.slice(0, first),
    says: /source validation was off on r0/,
    shows: /net.ipv4.conf.r0.rp_filter = 1/,
    first: false,
    whole: true,
  },
  {
    cause: 'rules-inserted',
    what: 'a rule that the dump does not have',
    dump: { 'iptables-save': replace(/-A FW -m mark.*\n/, '') },
    says: /one rule came into filter:FW between 1 and 2 since the dump: numbers from there on are 1 higher/,
    shows: /the log’s filter:FW:return:3 is the dump’s 2/,
    whole: true,
  },
  {
    cause: 'rules-removed',
    what: 'a rule too many in the dump',
    dump: { 'iptables-save': replace('-A FW -p udp', '-A FW -s 9.9.9.9/32 -j DROP\n-A FW -p udp') },
    log: (l) => [...l.slice(0, 20), ...l.filter((x) => / DPT=7777 /.test(x))],
    says: /one rule of the dump between 1 and 3 of filter:FW was not there/,
    shows: /filter:FW:1 is -A FW -s 9\.9\.9\.9\/32 -j DROP/,
    whole: true,
  },
  {
    cause: 'set-member',
    what: 'the set is empty in the dump',
    dump: { 'ipset-save': replace(/add peers.*\n/, '') },
    says: /the set peers held 10\.1\.0\.2 when the log was made; in the dump it does not/,
    shows: /ipset test peers 10\.1\.0\.2/,
    whole: true,
  },
  {
    cause: 'set-member',
    what: 'the set holds more in the dump',
    dump: { 'ipset-save': (t) => `${t}add peers 10.3.0.2/32\n` },
    log: bridged,
    says: /the set peers did not hold 10\.3\.0\.2 when the log was made; in the dump it does/,
    whole: true,
  },
  {
    cause: 'rule-state',
    what: 'a rule that asks who came by of late',
    dump: { 'iptables-save': replace('-A SVC -p icmp -j ACCEPT', '-A SVC -p icmp -m recent --rcheck --name seen --rsource -j ACCEPT') },
    says: /filter:SVC:2 matched on the node and does not in the model: it asks recent/,
    first: false,
  },
  {
    cause: 'conntrack',
    what: 'the answer is not in the log, and its end is cut',
    log: (l) => [...l.slice(0, first), ...l.slice(15, 19)],
    says: /the flow had been answered by a packet that the log does not show/,
    shows: /conntrack -L/,
    first: false,
  },
  {
    cause: 'table-not-loaded',
    what: 'a table that the log never shows',
    dump: { 'iptables-save': (t) => `${t}*security\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n` },
    log: (l) => l.slice(0, 20),
    says: /the table security was not loaded/,
    shows: /ip_tables_names/,
    whole: true,
  },
  {
    cause: 'route',
    what: 'another route in the dump',
    dump: { 'ip-route.txt': replace('10.2.0.0/24 dev r1', '10.2.0.0/24 dev br0') },
    says: /the node’s route to 10\.2\.0\.2 led out of r1/,
    shows: /ip route get 10\.2\.0\.2 from 10\.1\.0\.2 iif r0/,
    whole: true,
  },
  {
    cause: 'sysctl-drop',
    what: 'the log ends before the routing decision',
    log: (l) => l.slice(0, 3),
    says: /forwarding was off/,
    whole: true,
  },
  {
    cause: 'rule-came',
    what: 'a rule that matched came since',
    dump: { 'iptables-save': replace('-A SVC -p icmp -j ACCEPT\n', '') },
    says: /a rule came to filter:SVC:2 since the dump that matches this packet and accepts it/,
    whole: true,
  },
  {
    cause: 'rule-came',
    what: 'the jump to a chain came since',
    dump: { 'iptables-save': replace('-A FORWARD -j FW\n', '') },
    says: /a rule came to filter:FORWARD:2 since the dump that matches this packet and jumps to FW/,
    whole: true,
  },
  {
    cause: 'rule-came',
    what: 'nf_tables shows the rule itself',
    backend: 'nft',
    dump: { 'iptables-nft-save': replace('-A SVC -p icmp -j ACCEPT\n', ''), 'nft-ruleset': () => null },
    says: /the rule “-A SVC -p icmp -j ACCEPT” is not in the dump/,
    whole: true,
  },
  {
    cause: 'rule-changed',
    what: 'nf_tables shows what the rule was',
    backend: 'nft',
    dump: { 'iptables-nft-save': replace('-A SVC -p icmp -j ACCEPT', '-A SVC -p igmp -j ACCEPT'), 'nft-ruleset': () => null },
    says: /the rule filter:SVC:2 was another when the log was made, which shows “-p icmp -j ACCEPT”/,
    shows: /the dump says -A SVC -p igmp -j ACCEPT/,
    whole: true,
  },
  {
    cause: 'rule-gone',
    what: 'the dump has a rule that matches and was not there',
    dump: { 'iptables-save': replace('-A FORWARD -j FW', '-A FORWARD -p icmp -j MARK --set-xmark 0x1/0xffffffff\n-A FORWARD -j FW') },
    says: /the dump’s rule filter:FORWARD:2 was not there/,
    whole: true,
  },
  {
    cause: 'field',
    what: 'DNAT to another address',
    dump: { 'iptables-save': replace('--to-destination 10.2.0.2:80', '--to-destination 10.2.0.3:80') },
    log: (l) => l.filter((x) => / SPT=8080 | DPT=8080 | SPT=80 | DPT=80 /.test(x) && !/SRC=fd00/.test(x)).slice(0, 12),
    says: /a rule since nat:PREROUTING:rule:1 or there changes the packet otherwise/,
    shows: /DST is 10\.2\.0\.2 in the log, 10\.2\.0\.3 in the model/,
    first: false,
  },
  {
    cause: 'lines-lost',
    what: 'lines are missing, and the log says so',
    log: (l) => [...l.slice(0, 3), '[ 1874.9] net_ratelimit: 3 callbacks suppressed', ...l.slice(7, first)],
    says: /4 lines are missing in the log/,
    shows: /line 4 of the log says that messages were lost/,
  },
  {
    cause: 'model-ends',
    what: 'no route for a packet of the node’s own',
    dump: { 'ip-route.txt': replace(/10\.2\.0\.0\/24 dev r1.*\n/, '') },
    log: (l) => l.filter((x) => /IN= OUT=r1 .*SRC=10\.2\.0\.1/.test(x)),
    says: /the model finds no route for it/,
  },
  {
    cause: 'dropped-there',
    what: 'the log ends at a rule that accepts in the dump',
    log: (l) => l.slice(0, 8),
    says: /on the node filter:SVC:rule:2 dropped the packet/,
    shows: /filter:SVC:2 is -A SVC -p icmp -j ACCEPT/,
    whole: true,
  },
];

it.each(rows.map((r) => [r.cause, r.what, r] as const))('%s: %s', (_cause, _what, r) => {
  const backend = r.backend ?? 'legacy';
  const lines = linesOf(backend === 'legacy' ? 'legacy.kernel-log' : 'nft.xtables-monitor');
  const node = dump(backend, r.dump);
  // The other backend's rules stand in the dump where they alone were taken.
  const given = r.cause === 'other-backend' ? { ...node, iptablesNft: dump('nft').iptablesNft } : node;
  // Three packets of the first ping, where no others are asked for.
  const { parting } = check(given, r.log ? r.log(lines) : lines.slice(0, 20));
  const found = parting?.candidates.filter((c) => c.cause === r.cause && r.says.test(c.text)) ?? [];
  expect(found, parting?.candidates.map((c) => `${c.cause}: ${c.text}`).join('\n')).toHaveLength(1);
  if (r.shows) expect([found[0].decide, ...found[0].facts].join('\n')).toMatch(r.shows);
  if (r.first ?? true) expect(parting?.candidates[0]).toBe(found[0]);
  expect(found[0].tried?.whole ?? false).toBe(r.whole ?? false);
});

it('every row has a case', () => {
  expect(causeTable.map((r) => r.id).filter((id) => !rows.some((r) => r.cause === id))).toEqual([]);
});
