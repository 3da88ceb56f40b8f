/** Random sets: types, members, extensions. */
import { macOf, PORTS, type World } from './node.js';
import type { Rng } from './rng.js';

const SETS = ['S0', 'S1', 'S2', 'S3'] as const;

export interface SetPoolEntry {
  readonly name: string;
  readonly dims: number;
  /** A part is a MAC address: only hooks with an input device know one. */
  readonly mac: boolean;
  readonly counters: boolean;
  readonly skbinfo: boolean;
}

/** Every set that exists; lines for ipset restore. */
export interface SetPool {
  readonly sets: readonly SetPoolEntry[];
  readonly lines: readonly string[];
}

/** What a set of a type is made of: its dimensions, what `create` says, a member. */
export interface Kind {
  readonly dims: number;
  readonly options: string;
  readonly member: () => string;
}

function kindOf(r: Rng, w: World): [type: string, kind: Kind] {
  const addr = (): string => r.pick(w.addrs);
  const net = (): string => (r.chance(50) ? `${r.pick(w.nets)}.0/${r.pick([24, 25, 28])}` : `${addr()}`);
  const port = (): string => `${r.pick(['tcp', 'udp'])}:${r.pick(PORTS)}`;
  const mac = (): string => (r.chance(60) ? r.pick(w.links).far_mac : macOf(addr()));
  const base = r.pick(w.nets);
  const inBase = (): string => `${base}.${r.pick([1, 2, 5, 9, 77, 254])}`;
  const inet = 'family inet hashsize 1024 maxelem 65536';
  const masked = `${inet}${r.chance(15) ? ` netmask ${r.pick([24, 30])}` : ''}`;
  return r.weighed<() => [string, Kind]>([
    ...hashKinds({ inet, masked, addr, net, port, dev: () => r.pick(w.links).name }),
    [6, () => ['bitmap:ip', { dims: 1, options: `range ${base}.0/24`, member: inBase }]],
    [4, () => ['bitmap:ip,mac', { dims: 2, options: `range ${base}.0/24`, member: () => (r.chance(70) ? `${inBase()},${mac()}` : inBase()) }]],
    [5, () => ['bitmap:port', { dims: 1, options: 'range 0-65535', member: () => `${r.pick(PORTS)}` }]],
  ])();
}

export const makeSets = (r: Rng, w: World): SetPool => makeSetsOf(r, (x) => kindOf(x, w));

export function makeSetsOf(r: Rng, kindOf: (r: Rng) => [type: string, kind: Kind]): SetPool {
  const sets: SetPoolEntry[] = [];
  const lines: string[] = [];
  for (let n = r.below(4); n > 0; n--) {
    const name = SETS[sets.length];
    const counters = r.chance(20);
    const skbinfo = r.chance(15);
    const more = `${counters ? ' counters' : ''}${skbinfo ? ' skbinfo' : ''}`;
    if (sets.length > 1 && r.chance(15)) {
      const members = sets.slice(0, 2);
      lines.push(`create ${name} list:set size 8${more}`, ...members.map((s) => `add ${name} ${s.name}`));
      sets.push({ name, dims: Math.max(...members.map((s) => s.dims)), mac: members.some((s) => s.mac), counters, skbinfo });
      continue;
    }
    const [type, { dims, options, member }] = kindOf(r);
    lines.push(`create ${name} ${type} ${options}${more}`);
    for (let k = r.between(1, 5); k > 0; k--) {
      const info = skbinfo && r.chance(60) ? ` skbmark ${r.pick(['0x1/0x1', '0x4000/0x4000', '0x10'])}` : '';
      lines.push(`-exist add ${name} ${member()}${info}${type.includes('net') && r.chance(15) ? ' nomatch' : ''}`);
    }
    sets.push({ name, dims, mac: type.includes('mac'), counters, skbinfo });
  }
  return { sets, lines };
}

/** Options and members of a family's hash sets. */
interface HashWords {
  readonly inet: string;
  readonly masked: string;
  addr(): string;
  net(): string;
  port(): string;
  dev(): string;
}

/** The hash types that both families have, with how often each. */
export const hashKinds = ({ inet, masked, addr, net, port, dev }: HashWords): (readonly [number, () => [string, Kind]])[] => [
  [12, () => ['hash:ip', { dims: 1, options: masked, member: addr }]],
  [12, () => ['hash:net', { dims: 1, options: inet, member: net }]],
  [10, () => ['hash:ip,port', { dims: 2, options: inet, member: () => `${addr()},${port()}` }]],
  [10, () => ['hash:net,port', { dims: 2, options: inet, member: () => `${net()},${port()}` }]],
  [6, () => ['hash:ip,port,ip', { dims: 3, options: inet, member: () => `${addr()},${port()},${addr()}` }]],
  [6, () => ['hash:ip,port,net', { dims: 3, options: inet, member: () => `${addr()},${port()},${net()}` }]],
  [8, () => ['hash:net,iface', { dims: 2, options: inet, member: () => `${net()},${dev()}` }]],
];
