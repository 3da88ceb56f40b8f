/** The counts that every step changes: MIB counters, packets of rules, connections. */
import { existsSync, readFileSync } from 'node:fs';
import { readNftList } from '../formats/nft-list.js';
import type { CounterChanges } from '../harness/conformance/corpus.js';
import { nftCounts } from '../harness/conformance/nft-counts.js';
import type { ListedRules } from './nft-trace-stream.js';
import type { Backend } from './node-state.js';
import type { Shell } from './shell.js';

const CUT = '\u0002';

/** Counts at one moment. */
export interface Counts {
  readonly mib: ReadonlyMap<string, number>;
  readonly rules: ReadonlyMap<string, number>;
  /** `conntrack -L`, or the file that says the same. */
  readonly conntrack: string;
}

/** `listed`: the node's rules of nft itself count as well; null: it has none. */
export async function readCounts(shell: Shell, backend: Backend, ipv6: boolean, listed: ListedRules | null = null): Promise<Counts> {
  const save = backend === 'nft' ? 'nft' : 'legacy';
  const net = `/proc/${shell.pid}/net`;
  const table = existsSync(`${net}/nf_conntrack`);
  const commands = [
    `iptables-${save}-save -c 2>/dev/null`,
    ipv6 ? `ip6tables-${save}-save -c 2>/dev/null` : ':',
    table ? ':' : `conntrack -L 2>/dev/null${ipv6 ? '; conntrack -L -f ipv6 2>/dev/null' : ''}`,
    listed ? 'nft -a list ruleset' : ':',
  ];
  const [rules, rules6, entries, ruleset] = (await shell.run(commands.map((c) => `${c}; printf '${CUT}'`).join('\n'))).out.split(CUT);
  const conntrack = table ? readFileSync(`${net}/nf_conntrack`, 'latin1') : entries;
  const mib = readFileSync(`${net}/snmp`, 'latin1') + readFileSync(`${net}/netstat`, 'latin1');
  const mib6 = ipv6 ? readFileSync(`${net}/snmp6`, 'latin1') : '';
  const counts = readRuleCounts(rules);
  for (const [k, v] of readRuleCounts(rules6)) counts.set(`ip6:${k}`, v);
  if (listed) for (const [k, v] of nftCounts(readNftList(ruleset).value, (t, c) => !listed.made(t.family, t.name, c.name))) counts.set(k, v);
  return { mib: new Map([...readMib(mib), ...readMib6(mib6)]), rules: counts, conntrack };
}

/** /proc/net/snmp6: a name and a value a line. Octets and congestion marks are left out. */
function readMib6(text: string): Map<string, number> {
  const out = new Map<string, number>();
  for (const l of text.split('\n')) {
    const m = /^(\S+)\s+(\d+)$/.exec(l);
    if (m && !/Octets|NoECTPkts|ECT[01]Pkts|CEPkts|UdpLite|ReasmTimeout/.test(m[1])) out.set(m[1], Number(m[2]));
  }
  return out;
}

/** What rose between two readings; zero changes are left out. */
export function rises(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): CounterChanges {
  const out: [string, number][] = [];
  for (const [k, v] of now) if (v !== (before.get(k) ?? 0)) out.push([k, v - (before.get(k) ?? 0)]);
  return Object.fromEntries(out.sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

/** Counters that the model keeps: those of the corpus. Octets, congestion marks and TCP's own statistics are left out. */
const MIB =
  /^(Ip(?!Forwarding|DefaultTTL|ExtIn.*Octets|ExtOut.*Octets|ExtIn(NoECT|ECT|CE)|ReasmTimeout)|Icmp|Udp(?!Lite)|Tcp(ActiveOpens|PassiveOpens|AttemptFails|EstabResets|InCsumErrors|InErrs|InSegs|OutSegs|OutRsts|ExtIPReversePathFilter|ExtListenDrops|ExtTCPACKSkipped(SynRecv|Challenge|Seq)))/;

/** /proc/net/snmp and netstat: pairs of lines, names above values; names as nstat joins them. */
export function readMib(text: string): Map<string, number> {
  const out = new Map<string, number>();
  const lines = text.split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const names = lines[i].split(/\s+/);
    const values = lines[i + 1].split(/\s+/);
    const group = names[0].slice(0, -1);
    for (let j = 1; j < names.length; j++) if (MIB.test(group + names[j])) out.set(group + names[j], Number(values[j]));
  }
  return out;
}

/** `iptables-save -c`: packets of every rule and policy by the corpus' keys. */
export function readRuleCounts(text: string): Map<string, number> {
  const out = new Map<string, number>();
  let table = '';
  const at = new Map<string, number>();
  for (const l of text.split('\n')) {
    if (l.startsWith('*')) {
      table = l.slice(1);
      at.clear();
    } else if (l.startsWith(':')) {
      const m = /^:(\S+) (\S+) \[(\d+):/.exec(l);
      if (m && m[2] !== '-') out.set(`${table}:${m[1]}:policy`, Number(m[3]));
    } else {
      const m = /^\[(\d+):\d+\] -A (\S+)/.exec(l);
      if (!m) continue;
      const n = (at.get(m[2]) ?? 0) + 1;
      at.set(m[2], n);
      out.set(`${table}:${m[2]}:${n}`, Number(m[1]));
    }
  }
  return out;
}
