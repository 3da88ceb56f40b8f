/** Random targets of iptables, in the tool's own words, over what is evaluated. */
import { CLUSTER4 } from './kube-rules.js';
import { address, directions, match, protoMatch } from './matches.js';
import { PORTS, type World } from './node.js';
import { only, type Place } from './place.js';
import type { Rng } from './rng.js';
import type { Words } from './rules.js';
import type { SetPool } from './sets.js';

export interface Target {
  readonly text: string;
  /** The protocol that it demands. */
  readonly proto?: string;
}

export type Row = readonly [number, () => Target];

/** The targets of a family that the other one has not, or has in other words; `rejects`: how often REJECT in filter. */
export interface OwnTargets {
  nat(r: Rng, w: World, p: Place, proto: string): Target;
  reject(r: Rng, proto: string): Target;
  readonly rejects: number;
  mangle(r: Rng, w: World, p: Place): readonly Row[];
}

export function targetOf(own: OwnTargets, r: Rng, w: World, sets: SetPool, p: Place, proto: string): Target {
  if (p.down.length > 0 && r.chance(25)) return jump(r, p);
  if (p.table === 'nat' && r.chance(75)) return own.nat(r, w, p, proto);
  if (r.chance(p.table === 'filter' ? 55 : 30)) return verdict(r, p);
  const rows: Row[] = [...commonTargets(r, sets, p), [p.table === 'filter' ? own.rejects : 0, () => own.reject(r, proto)]];
  if (p.table === 'mangle') rows.push(...own.mangle(r, w, p));
  if (p.table === 'raw') rows.push(...rawTargets(r));
  return r.weighed(rows)();
}

export const target = (r: Rng, w: World, sets: SetPool, p: Place, proto: string): Target =>
  targetOf({ nat: natTarget, reject, rejects: 20, mangle: mangleTargets }, r, w, sets, p, proto);

const jump = (r: Rng, p: Place): Target => ({ text: `-${r.chance(80) ? 'j' : 'g'} ${r.pick(p.down)}` });

const verdict = (r: Rng, p: Place): Target => ({
  text: `-j ${r.weighed([
    [45, 'ACCEPT'],
    [p.table === 'nat' ? 0 : 25, 'DROP'],
    [20, 'RETURN'],
  ])}`,
});

/** Those of every table and family. */
const commonTargets = (r: Rng, sets: SetPool, p: Place): Row[] => [
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
  [sets.sets.length > 0 ? 5 : 0, () => setTarget(r, sets, p)],
  [
    2,
    () => ({
      text: r.pick([
        '-j NFLOG --nflog-group 5',
        '-j AUDIT --type accept',
        `-j RATEEST --rateest-name R${r.below(2)} --rateest-interval 250ms --rateest-ewmalog 500ms`,
      ]),
    }),
  ],
  ...(r.since(180) ? laterTargets(r) : []),
];

/** Queues that nobody listens to, so that packets are dropped or pass by; marks that are asked for elsewhere, too. */
const laterTargets = (r: Rng): Row[] => [
  [6, () => ({ text: `-j NFQUEUE ${queue(r)}${r.chance(60) ? ' --queue-bypass' : ''}` })],
  [1, () => ({ text: '-j QUEUE' })],
  [
    8,
    () => ({
      text: `-j HMARK ${hashed(r)} --hmark-mod ${r.pick([1, 2, 3, 16])} --hmark-offset ${r.pick([0, 1, 16, 16384])} --hmark-rnd ${r.pick(['0xcafe', '0'])}`,
    }),
  ],
];

/** Of several the kernel chooses by a hash of its own, and nf_tables tells which. */
const queue = (r: Rng): string => `--queue-num ${r.pick([0, 0, 5, 65535])}`;

/** What HMARK hashes. */
const hashed = (r: Rng): string =>
  r.weighed<() => string>([
    [4, () => `--hmark-tuple ${r.pick(['src,dst', 'src,dst,sport,dport,proto', 'src', 'dport', 'spi', 'proto', 'src,spi'])}`],
    [3, () => `--hmark-tuple ct,${r.pick(['src,dst', 'src,dst,sport,dport,proto', 'dst', 'spi'])}`],
    [2, () => `--hmark-src-prefix ${r.pick([8, 24, 31])} --hmark-dst-prefix ${r.pick([16, 25])}`],
    [2, () => `--hmark-tuple src --hmark-sport-mask 0xf000 --hmark-dport-mask 0x00ff${r.chance(40) ? ' --hmark-sport 0x0001' : ''}`],
    [1, () => '--hmark-spi-mask 0xffff0000 --hmark-spi 0x00000007 --hmark-proto-mask 0xff'],
  ])();

const rawTargets = (r: Rng): Row[] => [
  [15, () => ({ text: '-j CT --notrack' })],
  [5, () => ({ text: `-j CT ${r.pick(['--zone 1', '--zone 2', '--zone-orig 1', '--zone-reply 2', '--zone mark'])}` })],
  [3, () => ({ text: '-j NOTRACK' })],
];

function setTarget(r: Rng, sets: SetPool, p: Place): Target {
  const usable = sets.sets.filter((s) => !s.mac || only(p, 'PREROUTING', 'INPUT', 'FORWARD'));
  if (usable.length === 0) return { text: '' };
  const s = r.pick(usable);
  if (s.skbinfo && p.table === 'mangle' && r.chance(60)) return { text: `-j SET --map-set ${s.name} ${directions(r, s.dims)} --map-mark` };
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

function mangleTargets(r: Rng, w: World, p: Place): Row[] {
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
    [2, () => ({ text: `-j TCPOPTSTRIP --strip-options ${r.pick(['2', '2,3'])}`, proto: 'tcp' })],
    [3, () => ({ text: `-j TEE --gateway ${r.pick(w.nets)}.${r.pick([2, 9])}${r.chance(30) ? ` --oif ${r.pick(w.links).name}` : ''}` })],
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
      ...(ports ? [`DNAT --to-destination :${r.pick(PORTS)}`, `DNAT --to-destination ${to}:3000-3100`] : []),
      'DNAT --to-destination 127.0.0.1',
    ]);
  }
  return pick([
    `SNAT --to-source ${to}`,
    ...(ports ? [`SNAT --to-source ${to}:${r.pick([1024, 5000, 40000])}-${r.pick([40001, 50000])}`.replace('40000-40001', '40000-40010')] : []),
    ...(only(p, 'POSTROUTING') ? ['MASQUERADE', 'MASQUERADE', ...(ports ? ['MASQUERADE --to-ports 2000-2100', 'MASQUERADE --random-fully'] : [])] : []),
    `NETMAP --to ${r.pick(w.nets)}.0/24`,
  ]);
}

export const WORDS: Words = {
  protos: [
    [35, ''],
    [25, 'tcp'],
    [25, 'udp'],
    [13, 'icmp'],
    [2, 'sctp'],
    [1, 'esp'],
  ],
  notProtos: ['tcp', 'udp', 'icmp'],
  fragments: ['-f', '! -f'],
  address,
  protoMatch,
  match,
  target,
  cluster: CLUSTER4,
};
