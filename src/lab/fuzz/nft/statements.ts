/** Random statements of nft rules: what they do, and with what verdict they end. */
import { PORTS } from '../node.js';
import type { Rng } from '../rng.js';
import { address, families, ipOf, MARKS, type NftPlace, type NftWorld, network, only, some, worldOf } from './words.js';

/** Statements that act and let the rule go on. */
export function effect(r: Rng, w: NftWorld, p: NftPlace): string {
  const early = only(p, 'prerouting', 'output') && p.type === 'filter';
  const f = r.pick(families(w, p));
  const fresh = p.t.sets.filter((s) => s.dynamic);
  return r.weighed<() => string>([
    [26, () => 'counter'],
    [p.t.counters.length > 0 ? 6 : 0, () => `counter name "${r.pick(p.t.counters)}"`],
    [6, () => `log ${r.pick(['prefix "nft: " ', '', 'level info ', 'group 5 ', 'prefix "x" group 5 '])}`.trimEnd()],
    [14, () => markSet(r)],
    [10, () => connectionSet(r, early)],
    [6, () => headerSet(r, f)],
    [fresh.length > 0 ? 14 : 0, () => setUpdate(r, p)],
    [3, () => `meta ${r.pick(['priority set 0:1', 'priority set none', 'pkttype set host', 'nftrace set 1'])}`],
    [early ? 3 : 0, () => 'notrack'],
    [p.type === 'filter' && p.t.family !== 'bridge' ? 1 : 0, () => `dup to ${address(r, w, f)}`],
    [1, () => 'tcp option maxseg size set 1300'],
  ])();
}

const markSet = (r: Rng): string =>
  r.pick([
    `meta mark set ${r.pick(MARKS)}`,
    `meta mark set ${r.pick(MARKS)}`,
    `meta mark set meta mark | ${r.pick(MARKS)}`,
    'meta mark set meta mark & 0xffffbfff',
    'meta mark set meta mark ^ 0x4000',
    'meta mark set meta mark & 0xffffff00 | 0x2',
    'meta mark set ct mark',
    'meta mark set tcp dport map { 22 : 0x1, 80 : 0x2 }',
    'meta mark set numgen inc mod 2',
    'meta mark set meta mark << 4',
  ]);

function connectionSet(r: Rng, early: boolean): string {
  return r.weighed<() => string>([
    [40, () => `ct mark set ${r.pick(MARKS)}`],
    [25, () => 'ct mark set meta mark'],
    [10, () => `ct mark set ct mark | ${r.pick(MARKS)}`],
    [8, () => 'ct mark set ct mark & 0xffffff0f'],
    [early ? 8 : 0, () => `ct zone set ${r.pick([1, 2])}`],
    [early ? 3 : 0, () => `ct original zone set 1`],
    [4, () => 'ct label set 1'],
    [2, () => `ct event set new`],
  ])();
}

const headerSet = (r: Rng, f: 4 | 6): string =>
  f === 4
    ? r.pick(['ip dscp set cs1', 'ip dscp set af11', 'ip ttl set 33', 'ip ecn set ce', 'ip ttl set 1', 'tcp sport set 4000', 'udp dport set 53'])
    : r.pick(['ip6 dscp set cs1', 'ip6 hoplimit set 33', 'ip6 hoplimit set 1', 'ip6 ecn set ce', 'udp dport set 53']);

/** What packets write into the sets of a table. */
function setUpdate(r: Rng, p: NftPlace): string {
  const s = r.pick(p.t.sets.filter((x) => x.dynamic));
  const key = s.key
    .split(' . ')
    .map((k) =>
      k === 'ipv4_addr' ? `ip ${r.pick(['saddr', 'daddr'])}` : k === 'ipv6_addr' ? `ip6 ${r.pick(['saddr', 'daddr'])}` : `tcp ${r.pick(['dport', 'sport'])}`,
    )
    .join(' . ');
  if (s.data !== null) return `${r.pick(['add', 'update'])} @${s.name} { ${key} : ${s.data === 'mark' ? r.pick(['0x1', 'meta mark']) : 'tcp dport'} }`;
  const more = r.weighed([
    [55, ''],
    [12, ' timeout 1h'],
    [10, ` limit rate over 1/hour burst ${r.between(1, 2)} packets`],
    [6, ' limit rate 1/hour burst 1 packets'],
    [7, ' counter'],
    [6, ` ct count over ${r.between(1, 2)}`],
    [4, ' quota over 100 bytes'],
  ]);
  return `${r.weighed([
    [55, 'add'],
    [35, 'update'],
    [10, 'delete'],
  ])} @${s.name} { ${key}${more} }`;
}

const rejects = (r: Rng, f: 4 | 6, inet: boolean): string => {
  if (inet && r.chance(50)) return `reject with icmpx ${r.pick(['port-unreachable', 'admin-prohibited', 'host-unreachable', 'no-route'])}`;
  if (r.chance(40)) return 'reject';
  if (r.chance(30)) return 'meta l4proto tcp reject with tcp reset';
  return f === 4
    ? `reject with icmp ${r.pick(['port-unreachable', 'host-unreachable', 'admin-prohibited', 'net-unreachable', 'prot-unreachable', 'host-prohibited'])}`
    : `reject with icmpv6 ${r.pick(['port-unreachable', 'no-route', 'admin-prohibited', 'addr-unreachable'])}`;
};

/** `vmap` with a map written in the rule, or one of the table's. */
function verdictMap(r: Rng, w: NftWorld, p: NftPlace): string {
  const f = r.pick(families(w, p));
  const v = (): string => simple(r, p);
  const named = p.t.sets.filter((s) => s.data === 'verdict');
  if (named.length > 0 && r.chance(40)) {
    const m = r.pick(named);
    return `${expressionOf(r, m.key)} vmap @${m.name}`;
  }
  return r.weighed<() => string>([
    [20, () => `ct state vmap { established : ${v()}, related : ${v()}, invalid : ${v()} }`],
    [6, () => `ct state vmap { new : ${v()}, established : continue }`],
    [
      18,
      () =>
        `tcp dport vmap { ${some(r, () => `${r.pick(PORTS)}`, 1, 3)
          .split(', ')
          .map((x) => `${x} : ${v()}`)
          .join(', ')} }`,
    ],
    [10, () => `tcp dport vmap { 22-80 : ${v()}, 443 : ${v()}, 1024-65535 : ${v()} }`],
    [12, () => `meta l4proto vmap { tcp : ${v()}, udp : ${v()}, icmp : ${v()}, ipv6-icmp : ${v()} }`],
    [12, () => `${ipOf(f)} ${r.pick(['saddr', 'daddr'])} vmap { ${worldOf(w, f).own[0]} : ${v()}, ${worldOf(w, f).addrs.at(-1)} : ${v()} }`],
    [8, () => `${ipOf(f)} saddr vmap { ${network(r, w, f)} : ${v()} }`],
    [10, () => `iifname vmap { ${((w.four ?? w.six)?.links ?? []).map((l) => `"${l.name}" : ${v()}`).join(', ')} }`],
    [8, () => `${ipOf(f)} daddr . tcp dport vmap { ${address(r, w, f)} . ${r.pick(PORTS)} : ${v()} }`],
    [8, () => `numgen inc mod 2 vmap { 0 : ${v()}, 1 : ${v()} }`],
    [5, () => `meta mark vmap { 0x0 : ${v()}, 0x1 : ${v()} }`],
    [3, () => `meta nfproto vmap { ipv4 : ${v()}, ipv6 : ${v()} }`],
    [3, () => `fib daddr type vmap { local : ${v()}, broadcast : ${v()}, multicast : ${v()} }`],
    [2, () => `meta pkttype vmap { unicast : ${v()}, broadcast : ${v()} }`],
  ])();
}

/** An expression that has the types of a key. */
export function expressionOf(r: Rng, key: string): string {
  const of: Readonly<Record<string, () => string>> = {
    ipv4_addr: () => `ip ${r.pick(['saddr', 'daddr', 'daddr'])}`,
    ipv6_addr: () => `ip6 ${r.pick(['saddr', 'daddr', 'daddr'])}`,
    inet_service: () => r.pick(['tcp dport', 'th dport', 'udp dport', 'th sport']),
    inet_proto: () => 'meta l4proto',
    ifname: () => r.pick(['iifname', 'oifname']),
    mark: () => r.pick(['meta mark', 'ct mark']),
  };
  return key
    .split(' . ')
    .map((k) => of[k]?.() ?? k)
    .join(' . ');
}

/** A verdict that a map may have. */
export function simple(r: Rng, p: NftPlace): string {
  const { down } = p;
  return r.weighed([
    [30, 'accept'],
    [p.type === 'nat' ? 2 : 14, 'drop'],
    [12, 'return'],
    [10, 'continue'],
    [down.length > 0 ? 24 : 0, `jump ${down[r.below(Math.max(1, down.length))]}`],
    [down.length > 0 ? 12 : 0, `goto ${down[r.below(Math.max(1, down.length))]}`],
  ]);
}

function translation(r: Rng, w: NftWorld, p: NftPlace): string {
  const f = r.pick(families(w, p));
  const { t } = p;
  const way = t.family === 'inet' ? `${ipOf(f)} ` : '';
  const socket = (a: string, port: number | string): string => (f === 4 ? `${a}:${port}` : `[${a}]:${port}`);
  const to = (): string => address(r, w, f);
  const services = t.sets.filter((s) => s.data === `${f === 4 ? 'ipv4_addr' : 'ipv6_addr'} . inet_service`);
  const destination = only(p, 'prerouting', 'output');
  const ends = r.weighed([
    [70, ''],
    [10, ' persistent'],
  ]);
  if (destination)
    return r.weighed<() => string>([
      [30, () => `dnat ${way}to ${to()}${ends}`],
      [
        30,
        () =>
          `${r.pick(['tcp', 'udp', 'meta l4proto tcp', 'meta l4proto { tcp, udp }'])} ${''}`.trim().replace(/^(tcp|udp)$/, `$1 dport ${r.pick(PORTS)}`) +
          ` dnat ${way}to ${socket(to(), r.pick(PORTS))}`,
      ],
      [
        12,
        () =>
          `dnat ${way}to tcp dport map { ${some(r, () => `${r.pick(PORTS)}`, 2, 3)
            .split(', ')
            .map((x) => `${x} : ${to()}`)
            .join(', ')} }`,
      ],
      [services.length > 0 ? 14 : 0, () => `dnat ${way}to ${expressionOf(r, services[0].key)} map @${services[0].name}`],
      [
        8,
        () =>
          `meta l4proto tcp dnat ${way}to tcp dport map { ${some(r, () => `${r.pick(PORTS)}`, 1, 2)
            .split(', ')
            .map((x) => `${x} : ${to()} . ${r.pick(PORTS)}`)
            .join(', ')} }`,
      ],
      [8, () => `dnat ${way}to numgen inc mod 2 map { 0 : ${to()}, 1 : ${to()} }`],
      [10, () => `meta l4proto tcp redirect to :${r.pick(PORTS)}`],
      [8, () => `${r.pick(['tcp', 'udp'])} dport ${r.pick(PORTS)} redirect${r.chance(60) ? ` to :${r.pick(PORTS)}` : ''}`],
      [4, () => 'redirect'],
      [3, () => `tcp dport ${r.pick(PORTS)} redirect to :tcp dport map { 80 : 8080, 443 : 6443 }`],
    ])();
  if (only(p, 'postrouting', 'input'))
    return r.weighed<() => string>([
      [only(p, 'postrouting') ? 45 : 0, () => `masquerade${r.pick(['', '', ' random', ' fully-random', ' persistent'])}`],
      [only(p, 'postrouting') ? 5 : 0, () => 'meta l4proto { tcp, udp } masquerade to :2000-2100'],
      [25, () => `snat ${way}to ${r.chance(60) ? r.pick(worldOf(w, f).own) : to()}${ends}`],
      [10, () => `meta l4proto { tcp, udp } snat ${way}to ${socket(r.pick(worldOf(w, f).own), r.pick(['4000', '4000-4100']))}`],
      [8, () => `snat ${way}to ${ipOf(f)} saddr map { ${address(r, w, f)} : ${r.pick(worldOf(w, f).own)}, ${network(r, w, f)} : ${to()} }`],
      [5, () => `snat ${way}prefix to ${ipOf(f)} saddr map { ${network(r, w, f)} : ${network(r, w, f)} }`],
    ])();
  return '';
}

/** How a rule ends; '' where it has no verdict. */
export function ending(r: Rng, w: NftWorld, p: NftPlace): string {
  const { down, t, type } = p;
  const nat = type === 'nat';
  const f = r.pick(families(w, p));
  return r.weighed<() => string>([
    [22, () => 'accept'],
    [nat ? 2 : 14, () => 'drop'],
    [8, () => 'return'],
    [2, () => 'continue'],
    [14, () => ''],
    [down.length > 0 ? 20 : 0, () => `${r.chance(70) ? 'jump' : 'goto'} ${r.pick(down)}`],
    [20, () => verdictMap(r, w, p)],
    [only(p, 'input', 'forward', 'output') && !nat && t.family !== 'bridge' ? 14 : 0, () => rejects(r, f, t.family === 'inet')],
    [nat ? 70 : 0, () => translation(r, w, p)],
    [nat ? 0 : 1, () => `queue num ${r.below(3)}${r.chance(40) ? ' bypass' : ''}`],
    [
      only(p, 'prerouting') && type === 'filter' && t.family !== 'bridge' ? 2 : 0,
      () => `meta l4proto tcp tproxy ${t.family === 'inet' ? `${ipOf(f)} ` : ''}to :${r.pick(PORTS)}`,
    ],
  ])();
}
