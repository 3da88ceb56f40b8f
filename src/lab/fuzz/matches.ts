/** Random matches of iptables, in the tool's own words, over what is evaluated. */
import { bytecode } from './bpf-programs.js';
import { PORTS, type World } from './node.js';
import { maybe, only, type Place } from './place.js';
import type { Rng } from './rng.js';
import type { SetPool } from './sets.js';

export function address(r: Rng, w: World): string {
  if (r.chance(55)) return r.pick(w.addrs);
  return r.chance(70)
    ? `${r.pick(w.nets)}.0/${r.pick([24, 25, 16])}`
    : r.pick(['10.0.0.0/8', '127.0.0.0/8', '0.0.0.0/1', '255.255.255.255', '224.0.0.0/4', '10.0.0.0/255.0.255.0']);
}

export function device(r: Rng, w: World): string {
  if (w.ports && r.chance(12)) return r.pick(w.ports);
  return r.chance(75) ? r.pick(w.links).name : r.pick(['lo', 'eth+', 'cali+', 'nosuch']);
}

export const port = (r: Rng): string => (r.chance(70) ? `${r.pick(PORTS)}` : r.pick(['1:1023', '1024:65535', '30000:32767', ':100', '8000:']));

export function protoMatch(r: Rng, proto: string): string {
  if (proto === 'icmp') return `-m icmp ${maybe(r)}--icmp-type ${r.pick(['8', '0', '3', '3/1', '3/3', '11', 'any', '5', '13', '3/4'])}`;
  if (r.chance(25) && proto !== 'esp') {
    const list = Array.from({ length: r.between(1, 4) }, () => (r.chance(80) ? `${r.pick(PORTS)}` : '1000:9999'));
    return `-m multiport ${maybe(r)}--${r.pick(['dports', 'sports', 'ports'])} ${[...new Set(list)].join(',')}`;
  }
  if (proto === 'sctp' && r.chance(30)) return `-m sctp ${maybe(r)}--chunk-types ${r.pick(['any', 'all', 'only'])} ${r.pick(['INIT', 'DATA', 'INIT,DATA'])}`;
  if (proto === 'esp') return `-m esp ${maybe(r)}--espspi ${r.pick(['257', '0:500'])}`;
  if (proto === 'tcp' && r.chance(6)) return `-m tcp ${maybe(r)}--tcp-option ${r.pick([2, 3])}`;
  if (proto === 'tcp' && r.chance(30)) {
    return r.chance(50)
      ? `-m tcp ${maybe(r)}--syn`
      : `-m tcp ${maybe(r)}--tcp-flags ${r.pick(['SYN,ACK', 'SYN,RST,ACK,FIN', 'ALL', 'FIN,SYN'])} ${r.pick(['SYN', 'NONE', 'ACK', 'SYN,ACK', 'FIN'])}`;
  }
  return `-m ${proto} ${maybe(r)}--${r.pick(['dport', 'sport', 'dport'])} ${port(r)}`;
}

export const MARKS = ['0x1', '0x2', '0x4000/0x4000', '0x10/0xf0', '0x0/0xff', '0x1/0x1'] as const;
const STATES = ['NEW', 'ESTABLISHED', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED', 'NEW,INVALID', 'DNAT', 'SNAT', 'SNAT,DNAT', 'NEW,UNTRACKED'] as const;
const TYPES = ['LOCAL', 'UNICAST', 'BROADCAST', 'MULTICAST', 'LOCAL,BROADCAST', 'UNREACHABLE', 'BLACKHOLE', 'PROHIBIT', 'THROW'] as const;

/** `icmp`: the name of the family's protocol. */
export function conntrackMatch(r: Rng, address: () => string, icmp: string): string {
  const one = r.weighed<() => string>([
    [50, () => `${maybe(r)}--ctstate ${r.pick(STATES)}`],
    [8, () => `${maybe(r)}--ctstatus ${r.pick(['NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'SEEN_REPLY,CONFIRMED'])}`],
    [8, () => `--ctdir ${r.pick(['ORIGINAL', 'REPLY'])}`],
    [6, () => `${maybe(r)}--ctproto ${r.pick(['tcp', 'udp', icmp])}`],
    [6, () => `${maybe(r)}--ctorigsrc ${address()}`],
    [8, () => `${maybe(r)}--ctorigdst ${address()}`],
    [5, () => `${maybe(r)}--ctreplsrc ${address()}`],
    [5, () => `${maybe(r)}--ctrepldst ${address()}`],
    [6, () => `${maybe(r)}--ctorigdstport ${r.pick(PORTS)}`],
    [3, () => `${maybe(r)}--ctreplsrcport ${r.pick(PORTS)}`],
  ])();
  return `-m conntrack ${one}`;
}

export function setMatch(r: Rng, sets: SetPool, before: boolean): string {
  const usable = sets.sets.filter((s) => !s.mac || before);
  if (usable.length === 0) return '';
  const s = r.pick(usable);
  const n = r.chance(85) ? s.dims : r.between(1, 3);
  return `-m set ${maybe(r)}--match-set ${s.name} ${directions(r, n)}${r.chance(5) ? ' --return-nomatch' : ''}${setCounters(r, s.counters)}`;
}

function setCounters(r: Rng, counters: boolean): string {
  if (!counters || r.chance(50)) return '';
  return r.pick([' --packets-gt 0', ' --packets-lt 2', ' ! --packets-eq 1', ' --bytes-gt 60', ' ! --update-counters', ' --packets-eq 0 ! --update-counters']);
}

export const directions = (r: Rng, n: number): string => Array.from({ length: n }, () => r.pick(['src', 'dst'])).join(',');

export function match(r: Rng, w: World, sets: SetPool, p: Place, proto: string): string {
  const before = only(p, 'PREROUTING', 'INPUT', 'FORWARD');
  return r.weighed<() => string>([
    [22, () => conntrackMatch(r, () => address(r, w), 'icmp')],
    [4, () => `-m state ${maybe(r)}--state ${r.pick(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'RELATED,ESTABLISHED', 'UNTRACKED'])}`],
    [10, () => `-m mark ${maybe(r)}--mark ${r.pick(MARKS)}`],
    [6, () => `-m connmark ${maybe(r)}--mark ${r.pick(MARKS)}`],
    [12, () => setMatch(r, sets, before)],
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
    ...hostMatches(r, p, before),
    ...laterMatches(r, false),
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
    [
      2,
      () =>
        `-m string --algo ${r.pick(['bm', 'kmp'])} ${maybe(r)}${r.pick(['--string abc', '--string ab', '--hex-string |6162|'])}${r.chance(25) ? ' --icase' : ''}${r.chance(30) ? ` --from ${r.pick([20, 28, 40])}${r.chance(50) ? ' --to 60' : ''}` : ''}`,
    ],
    [1, () => `-m realm ${maybe(r)}--realm ${r.pick(['0x0', '0x1'])}`],
    [3, () => limited(r)],
    [
      2,
      () =>
        `-m connbytes ${maybe(r)}--connbytes ${r.pick(['1', '2:', '0:1', '100:'])} --connbytes-dir ${r.pick(['original', 'reply', 'both'])} --connbytes-mode ${r.pick(['packets', 'bytes', 'avgpkt'])}`,
    ],
    [1, () => `-m quota ${maybe(r)}--quota ${r.pick([60, 100, 1000])}`],
    [1, () => `-m devgroup ${maybe(r)}--${only(p, 'OUTPUT', 'POSTROUTING') ? 'dst' : 'src'}-group ${r.pick(['0x0', '0x1'])}`],
    [1, () => `-m connlabel ${maybe(r)}--label ${r.pick([1, 2])}${r.chance(50) ? ' --set' : ''}`],
    [1, () => (only(p, 'OUTPUT', 'POSTROUTING') ? '-m policy --dir out --pol none' : only(p, 'PREROUTING', 'INPUT') ? '-m policy --dir in --pol none' : '')],
    [1, () => `-m helper ${maybe(r)}--helper ftp`],
    [w.ports ? 14 : 0, () => physdev(r, w.ports ?? [], p)],
    [
      2,
      () =>
        `-m physdev ${r.pick(only(p, 'PREROUTING', 'INPUT', 'FORWARD') ? ['--physdev-is-bridged', '! --physdev-is-bridged', '--physdev-is-in'] : ['--physdev-is-bridged', '! --physdev-is-bridged'])}`,
    ],
  ])();
}

function physdev(r: Rng, ports: readonly string[], p: Place): string {
  const out = only(p, 'FORWARD', 'POSTROUTING');
  const words = [
    ...(r.chance(55) ? [`${maybe(r)}--physdev-in ${r.pick([...ports, 'eth+'])}`] : []),
    ...(out && r.chance(45) ? [`${maybe(r)}--physdev-out ${r.pick(ports)}`] : []),
    ...(r.chance(25) ? [`${maybe(r)}--physdev-is-in`] : []),
    ...(out && r.chance(20) ? [`${maybe(r)}--physdev-is-out`] : []),
    ...(r.chance(40) ? [`${maybe(r)}--physdev-is-bridged`] : []),
  ];
  return `-m physdev ${words.length > 0 ? words.join(' ') : '--physdev-is-bridged'}`;
}

/** Rates of one an hour: what the buckets hold at first is all that there is. A hashlimit table is known by its name, so that a name stands for one configuration. */
export function limited(r: Rng, part = 24): string {
  if (r.chance(40)) return `-m limit --limit 1/hour --limit-burst ${r.between(1, 3)}`;
  const way = r.pick(['upto', 'above']);
  const [name, mode, burst] = r.pick([
    ['H1', ' --hashlimit-mode srcip', 1],
    ['H2', ' --hashlimit-mode dstip,dstport', 2],
    ['H3', '', 2],
    ['H4', ` --hashlimit-mode srcip --hashlimit-srcmask ${part}`, 1],
  ] as const);
  return `-m hashlimit --hashlimit-${way} 1/hour --hashlimit-burst ${burst}${mode} --hashlimit-name ${name}`;
}

function addrtype(r: Rng, p: Place): string {
  const limit = r.chance(15) ? (only(p, 'PREROUTING', 'INPUT') ? ' --limit-iface-in' : only(p, 'OUTPUT', 'POSTROUTING') ? ' --limit-iface-out' : '') : '';
  return `-m addrtype ${maybe(r)}--${r.pick(['src', 'dst', 'dst'])}-type ${r.pick(TYPES)}${limit}`;
}

/** What asks about sockets, routes and neighbours of the node; `before`: the rule meets packets that came in. */
export const hostMatches = (r: Rng, p: Place, before: boolean): (readonly [number, () => string])[] => [
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
];

/** Of seeds from 180 on; `six`: of IPv6. */
export function laterMatches(r: Rng, six: boolean): (readonly [number, () => string])[] {
  if (!r.since(180)) return [];
  return [
    [8, () => `-m bpf ${bytecode(r, six)}`],
    [4, () => clusterMatch(r)],
  ];
}

function clusterMatch(r: Rng): string {
  const total = r.between(1, 4);
  const who = r.chance(70) ? `--cluster-local-node ${r.between(1, total)}` : `--cluster-local-nodemask ${r.between(1, Math.min(32, 2 ** total - 1))}`;
  return `-m cluster --cluster-total-nodes ${total} ${maybe(r)}${who} --cluster-hash-seed ${r.pick(['0xdeadbeef', '0x0', '0x1'])}`;
}
