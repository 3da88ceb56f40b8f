/** Random iptables rules, in the tool's own words, over the matches and targets that are evaluated. */
import { type ChainLine, type RuleLine, TABLES } from '../case-spec.js';
import { PORTS, type SetPool, type World } from './node.js';
import type { Rng } from './rng.js';

const USER = ['U1', 'U2', 'U3', 'CUSTOM', 'KUBE-X'] as const;
type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

interface Place {
  readonly table: string;
  /** The hooks that can reach the chain: what rules may use depends on them. */
  readonly hooks: readonly Hook[];
  /** User chains further down, to jump to. */
  readonly down: readonly string[];
  readonly user: boolean;
}

const only = (p: Place, ...hooks: Hook[]): boolean => p.hooks.every((h) => hooks.includes(h));
const maybe = (r: Rng): string => (r.chance(20) ? '! ' : '');

export function makeRules(r: Rng, w: World, sets: SetPool): { chains: ChainLine[]; rules: RuleLine[] } {
  const chains: ChainLine[] = [];
  const rules: RuleLine[] = [];
  for (const [table, builtins] of TABLES) {
    const busy = r.chance(table === 'security' ? 10 : table === 'raw' ? 35 : 60);
    // A user chain belongs to one built-in chain, so that every rule in it fits its hook.
    for (const hook of builtins as readonly Hook[]) {
      if (busy && table !== 'nat' && r.chance(8)) chains.push({ table, name: hook, policy: 'DROP' });
      if (!busy || r.chance(30)) continue;
      const names = r.chance(40) ? USER.slice(0, r.between(1, 3)).map((u) => `${u}${hook.slice(0, 2)}`) : [];
      for (const n of names) chains.push({ table, name: n, policy: null });
      for (let i = r.between(1, 5); i > 0; i--) rules.push({ table, text: rule(r, w, sets, hook, { table, hooks: [hook], down: names, user: false }) });
      for (const [i, n] of names.entries())
        for (let k = r.below(4); k > 0; k--) rules.push({ table, text: rule(r, w, sets, n, { table, hooks: [hook], down: names.slice(i + 1), user: true }) });
    }
  }
  return { chains, rules };
}

function rule(r: Rng, w: World, sets: SetPool, chain: string, p: Place): string {
  const proto = r.weighed<string>([
    [35, ''],
    [25, 'tcp'],
    [25, 'udp'],
    [13, 'icmp'],
    [2, 'sctp'],
  ]);
  const t = target(r, w, sets, p, proto);
  const words = ['-A', chain];
  if (r.chance(25)) words.push(`${maybe(r)}-s ${address(r, w)}`);
  if (r.chance(25)) words.push(`${maybe(r)}-d ${address(r, w)}`);
  if (only(p, 'PREROUTING', 'INPUT', 'FORWARD') && r.chance(15)) words.push(`${maybe(r)}-i ${device(r, w)}`);
  if (only(p, 'OUTPUT', 'FORWARD', 'POSTROUTING') && r.chance(15)) words.push(`${maybe(r)}-o ${device(r, w)}`);
  const needed = t.proto ?? proto;
  if (needed !== '') words.push(`-p ${needed}`);
  else if (r.chance(4)) words.push(`! -p ${r.pick(['tcp', 'udp', 'icmp'])}`);
  if (needed !== '' && r.chance(55)) words.push(protoMatch(r, needed));
  else if (r.chance(3)) words.push(r.pick(['-f', '! -f']));
  for (
    let n = r.weighed([
      [45, 0],
      [40, 1],
      [15, 2],
    ]);
    n > 0;
    n--
  )
    words.push(match(r, w, sets, p, needed));
  words.push(t.text);
  return words.filter((x) => x !== '').join(' ');
}

function address(r: Rng, w: World): string {
  if (r.chance(55)) return r.pick(w.addrs);
  return r.chance(70)
    ? `${r.pick(w.nets)}.0/${r.pick([24, 25, 16])}`
    : r.pick(['10.0.0.0/8', '127.0.0.0/8', '0.0.0.0/1', '255.255.255.255', '224.0.0.0/4', '10.0.0.0/255.0.255.0']);
}

function device(r: Rng, w: World): string {
  return r.chance(75) ? r.pick(w.links).name : r.pick(['lo', 'eth+', 'cali+', 'nosuch']);
}

const port = (r: Rng): string => (r.chance(70) ? `${r.pick(PORTS)}` : r.pick(['1:1023', '1024:65535', '30000:32767', ':100', '8000:']));

function protoMatch(r: Rng, proto: string): string {
  if (proto === 'icmp') return `-m icmp ${maybe(r)}--icmp-type ${r.pick(['8', '0', '3', '3/1', '3/3', '11', 'any', '5', '13', '3/4'])}`;
  if (r.chance(25) && proto !== 'sctp') {
    const list = Array.from({ length: r.between(1, 4) }, () => (r.chance(80) ? `${r.pick(PORTS)}` : '1000:9999'));
    return `-m multiport ${maybe(r)}--${r.pick(['dports', 'sports', 'ports'])} ${[...new Set(list)].join(',')}`;
  }
  if (proto === 'tcp' && r.chance(30)) {
    return r.chance(50)
      ? `-m tcp ${maybe(r)}--syn`
      : `-m tcp ${maybe(r)}--tcp-flags ${r.pick(['SYN,ACK', 'SYN,RST,ACK,FIN', 'ALL', 'FIN,SYN'])} ${r.pick(['SYN', 'NONE', 'ACK', 'SYN,ACK', 'FIN'])}`;
  }
  return `-m ${proto} ${maybe(r)}--${r.pick(['dport', 'sport', 'dport'])} ${port(r)}`;
}

const MARKS = ['0x1', '0x2', '0x4000/0x4000', '0x10/0xf0', '0x0/0xff', '0x1/0x1'] as const;
const STATES = ['NEW', 'ESTABLISHED', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED', 'NEW,INVALID', 'DNAT', 'SNAT', 'SNAT,DNAT', 'NEW,UNTRACKED'] as const;
const TYPES = ['LOCAL', 'UNICAST', 'BROADCAST', 'MULTICAST', 'LOCAL,BROADCAST', 'UNREACHABLE', 'BLACKHOLE', 'PROHIBIT', 'THROW'] as const;

function conntrackMatch(r: Rng, w: World): string {
  const one = r.weighed<() => string>([
    [50, () => `${maybe(r)}--ctstate ${r.pick(STATES)}`],
    [8, () => `${maybe(r)}--ctstatus ${r.pick(['NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'SEEN_REPLY,CONFIRMED'])}`],
    [8, () => `--ctdir ${r.pick(['ORIGINAL', 'REPLY'])}`],
    [6, () => `${maybe(r)}--ctproto ${r.pick(['tcp', 'udp', 'icmp'])}`],
    [6, () => `${maybe(r)}--ctorigsrc ${address(r, w)}`],
    [8, () => `${maybe(r)}--ctorigdst ${address(r, w)}`],
    [5, () => `${maybe(r)}--ctreplsrc ${address(r, w)}`],
    [5, () => `${maybe(r)}--ctrepldst ${address(r, w)}`],
    [6, () => `${maybe(r)}--ctorigdstport ${r.pick(PORTS)}`],
    [3, () => `${maybe(r)}--ctreplsrcport ${r.pick(PORTS)}`],
  ])();
  return `-m conntrack ${one}`;
}

function setMatch(r: Rng, sets: SetPool): string {
  if (sets.sets.length === 0) return '';
  const s = r.pick(sets.sets);
  const n = r.chance(85) ? s.dims : r.between(1, 3);
  return `-m set ${maybe(r)}--match-set ${s.name} ${directions(r, n)}${r.chance(5) ? ' --return-nomatch' : ''}`;
}

const directions = (r: Rng, n: number): string => Array.from({ length: n }, () => r.pick(['src', 'dst'])).join(',');

function match(r: Rng, w: World, sets: SetPool, p: Place, proto: string): string {
  const before = only(p, 'PREROUTING', 'INPUT', 'FORWARD');
  return r.weighed<() => string>([
    [22, () => conntrackMatch(r, w)],
    [4, () => `-m state ${maybe(r)}--state ${r.pick(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'RELATED,ESTABLISHED', 'UNTRACKED'])}`],
    [10, () => `-m mark ${maybe(r)}--mark ${r.pick(MARKS)}`],
    [6, () => `-m connmark ${maybe(r)}--mark ${r.pick(MARKS)}`],
    [12, () => setMatch(r, sets)],
    [9, () => addrtype(r, p)],
    [4, () => `-m length ${maybe(r)}--length ${r.pick(['28', '0:60', '84', '40:', '29:100'])}`],
    [4, () => `-m ttl ${r.pick(['--ttl-eq 64', '--ttl-lt 64', '--ttl-gt 62', '! --ttl-eq 63'])}`],
    [4, () => `-m tos ${maybe(r)}--tos ${r.pick(['0x10', '0x08/0xff', '0x00', '0x10/0x3f'])}`],
    [3, () => `-m dscp ${maybe(r)}--dscp ${r.pick(['0x04', '0x00', '0x02'])}`],
    [4, () => `-m comment --comment ${r.pick(['x', '"two words"'])}`],
    [4, () => `-m pkttype ${maybe(r)}--pkt-type ${r.pick(['unicast', 'broadcast', 'multicast'])}`],
    [
      4,
      () => `-m iprange ${maybe(r)}--${r.pick(['src', 'dst'])}-range ${r.pick(w.nets)}.1-${w.nets[0]}.255`.replace(/range (\S+)\.1-\S+$/, 'range $1.1-$1.99'),
    ],
    [3, () => `-m statistic --mode nth ${maybe(r)}--every ${r.between(2, 3)} --packet ${r.below(2)}`],
    [
      5,
      () =>
        only(p, 'OUTPUT', 'POSTROUTING')
          ? `-m owner ${maybe(r)}${r.pick(['--uid-owner 1000', '--uid-owner 0', '--socket-exists', '--gid-owner 0', '--uid-owner 0-999'])}`
          : '',
    ],
    [
      4,
      () =>
        only(p, 'PREROUTING') && (p.table === 'raw' || p.table === 'mangle')
          ? `-m rpfilter ${r.pick(['', '--loose', '--validmark', '--accept-local', '--invert', '--loose --invert'])}`.trim()
          : '',
    ],
    [3, () => (before ? `-m mac ${maybe(r)}--mac-source 02:fe:00:00:00:0a` : '')],
    [3, () => (only(p, 'PREROUTING', 'INPUT') ? `-m socket${r.pick(['', ' --nowildcard', ' --transparent'])}` : '')],
    [2, () => `-m u32 --u32 "${r.pick(['0>>28=4', '6&0xFF=17', '0&0xFFFF=0x1C:0x60', '0>>22&0x3C@0&0xFFFF=80', '5&0xFF=1:63'])}"`],
    [2, () => (proto === 'tcp' ? '-m tcpmss --mss 500:1500' : '')],
    [2, () => `-m ecn ${r.pick(['--ecn-ip-ect 0', '! --ecn-ip-ect 0', '--ecn-ip-ect 2'])}`],
    [
      2,
      () =>
        proto === 'tcp'
          ? `-m connlimit --connlimit-${r.pick(['above', 'upto'])} ${r.below(3)} --connlimit-mask ${r.pick([32, 24])} --connlimit-${r.pick(['saddr', 'daddr'])}`
          : '',
    ],
    [
      2,
      () =>
        `-m recent ${r.pick(['--set', '--rcheck', '--update', '--remove', '! --rcheck', '--rcheck --hitcount 2'])} --name R --mask 255.255.255.255 --${r.pick(['rsource', 'rdest'])}`,
    ],
    [2, () => `-m string --algo ${r.pick(['bm', 'kmp'])} ${maybe(r)}--string ${r.pick(['abc', 'a'])}`],
    [1, () => `-m realm ${maybe(r)}--realm ${r.pick(['0x0', '0x1'])}`],
    [1, () => `-m helper ${maybe(r)}--helper ftp`],
    [
      2,
      () =>
        `-m physdev ${r.pick(only(p, 'PREROUTING', 'INPUT', 'FORWARD') ? ['--physdev-is-bridged', '! --physdev-is-bridged', '--physdev-is-in'] : ['--physdev-is-bridged', '! --physdev-is-bridged'])}`,
    ],
  ])();
}

function addrtype(r: Rng, p: Place): string {
  const limit = r.chance(15) ? (only(p, 'PREROUTING', 'INPUT') ? ' --limit-iface-in' : only(p, 'OUTPUT', 'POSTROUTING') ? ' --limit-iface-out' : '') : '';
  return `-m addrtype ${maybe(r)}--${r.pick(['src', 'dst', 'dst'])}-type ${r.pick(TYPES)}${limit}`;
}

interface Target {
  readonly text: string;
  /** The protocol that it demands. */
  readonly proto?: string;
}

function target(r: Rng, w: World, sets: SetPool, p: Place, proto: string): Target {
  if (p.down.length > 0 && r.chance(25)) return { text: `-${r.chance(80) ? 'j' : 'g'} ${r.pick(p.down)}` };
  if (p.table === 'nat' && r.chance(75)) return natTarget(r, w, p, proto);
  const verdict = (): Target => ({
    text: `-j ${r.weighed([
      [45, 'ACCEPT'],
      [p.table === 'nat' ? 0 : 25, 'DROP'],
      [20, 'RETURN'],
    ])}`,
  });
  if (r.chance(p.table === 'filter' ? 55 : 30)) return verdict();
  const rows: (readonly [number, () => Target])[] = [
    [10, () => ({ text: '' })],
    [4, () => ({ text: `-j LOG --log-prefix "L "` })],
    [
      p.table === 'nat' ? 0 : 12,
      () => ({
        text: `-j MARK ${r.pick(['--set-xmark 0x1/0xffffffff', '--set-xmark 0x4000/0x4000', '--set-xmark 0x2/0xff', '--and-mark 0xfffe', '--or-mark 0x10', '--xor-mark 0x3'])}`,
      }),
    ],
    [
      10,
      () => ({
        text: `-j CONNMARK ${r.pick(['--set-xmark 0x1/0xffffffff', '--save-mark', '--restore-mark', '--save-mark --mask 0xff', '--restore-mark --nfmask 0xf0 --ctmask 0xf0', '--set-mark 0x10/0xf0'])}`,
      }),
    ],
    [sets.sets.length > 0 ? 5 : 0, () => setTarget(r, sets)],
    [p.table === 'filter' ? 20 : 0, () => reject(r, proto)],
  ];
  if (p.table === 'mangle') rows.push(...mangleTargets(r, p));
  if (p.table === 'raw')
    rows.push([15, () => ({ text: '-j CT --notrack' })], [5, () => ({ text: `-j CT --zone ${r.pick([1, 2])}` })], [3, () => ({ text: '-j NOTRACK' })]);
  return r.weighed(rows)();
}

function setTarget(r: Rng, sets: SetPool): Target {
  const s = r.pick(sets.sets);
  return {
    text: `-j SET --${r.pick(['add-set', 'del-set'])} ${s.name} ${directions(r, s.dims)}${r.chance(20) ? ' --exist' : ''}`.replace(
      /(--del-set.*) --exist/,
      '$1',
    ),
  };
}

function reject(r: Rng, proto: string): Target {
  if (proto === 'tcp' && r.chance(50)) return { text: '-j REJECT --reject-with tcp-reset' };
  return {
    text: `-j REJECT --reject-with icmp-${r.pick(['port-unreachable', 'net-unreachable', 'host-unreachable', 'proto-unreachable', 'net-prohibited', 'host-prohibited', 'admin-prohibited'])}`,
  };
}

function mangleTargets(r: Rng, p: Place): (readonly [number, () => Target])[] {
  return [
    [6, () => ({ text: `-j TTL ${r.pick(['--ttl-set 5', '--ttl-inc 1', '--ttl-dec 1', '--ttl-dec 63', '--ttl-set 1'])}` })],
    [5, () => ({ text: `-j TOS ${r.pick(['--set-tos 0x10/0x3f', '--and-tos 0x1e', '--or-tos 0x08', '--set-tos 0x08/0xff', '--xor-tos 0x10'])}` })],
    [4, () => ({ text: `-j DSCP --set-dscp ${r.pick(['0x04', '0x02', '0x2e'])}` })],
    [
      3,
      () => ({
        text: `-j TCPMSS ${only(p, 'FORWARD', 'OUTPUT', 'POSTROUTING') && r.chance(50) ? '--clamp-mss-to-pmtu' : '--set-mss 1000'}`,
        proto: 'tcp -m tcp --syn',
      }),
    ],
    [2, () => ({ text: '-j ECN --ecn-tcp-remove', proto: 'tcp' })],
    [2, () => (only(p, 'FORWARD', 'OUTPUT', 'POSTROUTING') ? { text: '-j CLASSIFY --set-class 0001:0010' } : { text: '' })],
    [
      4,
      () =>
        only(p, 'PREROUTING')
          ? { text: `-j TPROXY --on-port ${r.pick(PORTS)} --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1`, proto: r.pick(['tcp', 'udp']) }
          : { text: '' },
    ],
    [2, () => ({ text: '-j CHECKSUM --checksum-fill', proto: 'udp' })],
  ];
}

function natTarget(r: Rng, w: World, p: Place, proto: string): Target {
  const ports = proto === 'tcp' || proto === 'udp';
  const pick = (list: readonly string[]): Target => ({ text: `-j ${r.pick(list)}` });
  const to = r.pick(w.addrs);
  if (only(p, 'PREROUTING', 'OUTPUT')) {
    return pick([
      `DNAT --to-destination ${to}${ports && r.chance(50) ? `:${r.pick(PORTS)}` : ''}`,
      `DNAT --to-destination ${to}`,
      `REDIRECT${ports && r.chance(60) ? ` --to-ports ${r.pick(PORTS)}` : ''}`,
      `NETMAP --to ${r.pick(w.nets)}.0/24`,
      ...(ports ? [`DNAT --to-destination :${r.pick(PORTS)}`] : []),
      'DNAT --to-destination 127.0.0.1',
    ]);
  }
  return pick([
    `SNAT --to-source ${to}`,
    ...(ports ? [`SNAT --to-source ${to}:${r.pick([1024, 5000, 40000])}-${r.pick([40001, 50000])}`.replace('40000-40001', '40000-40010')] : []),
    ...(only(p, 'POSTROUTING') ? ['MASQUERADE', 'MASQUERADE', ...(ports ? ['MASQUERADE --to-ports 2000-2100'] : [])] : []),
    `NETMAP --to ${r.pick(w.nets)}.0/24`,
  ]);
}
