/** Random rules of ebtables over what is evaluated. */
import type { RuleLine } from '../case-spec.js';
import type { BridgeWorld } from './bridge-node.js';
import { HOSTS, macOf, PORTS, type World } from './node.js';
import { maybe } from './place.js';
import type { Rng } from './rng.js';

const CHAINS = [
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['nat', ['PREROUTING', 'OUTPUT', 'POSTROUTING']],
] as const;

/** `six`: what the node is in IPv6, if it speaks that. */
export function makeEbtables(r: Rng, w: BridgeWorld, six?: World): RuleLine[] {
  const out: RuleLine[] = [];
  for (const [table, chains] of CHAINS)
    for (const chain of chains)
      for (let n = r.chance(45) ? r.between(1, 3) : 0; n > 0; n--)
        out.push({ table, text: `-A ${chain} ${[...matches(r, w, chain, six), target(r, w, table, chain)].join(' ')}` });
  return out;
}

function matches(r: Rng, w: BridgeWorld, chain: string, six?: World): string[] {
  const out: string[] = [];
  const mac = (): string => (r.chance(75) ? macOf(`${r.pick(w.nets)}.${r.pick(HOSTS)}`) : r.pick([...w.bridges.map((b) => b.mac), 'ff:ff:ff:ff:ff:ff']));
  if (r.chance(30)) out.push(`${maybe(r)}-s ${mac()}`);
  if (r.chance(30)) out.push(`${maybe(r)}-d ${mac()}`);
  if (['INPUT', 'FORWARD', 'PREROUTING'].includes(chain) && r.chance(25)) out.push(`${maybe(r)}-i ${r.pick(w.ports ?? [])}`);
  if (['OUTPUT', 'FORWARD', 'POSTROUTING'].includes(chain) && r.chance(25)) out.push(`${maybe(r)}-o ${r.pick(w.ports ?? [])}`);
  if (r.chance(45)) out.push(...(six && r.chance(50) ? ip6(r, six) : ip(r, w)));
  else if (r.chance(20)) out.push(`${maybe(r)}-p ${r.pick(['ARP', 'IPv4', '0x8100'])}`);
  if (r.chance(18)) out.push(`${maybe(r)}--mark ${r.pick(['0x1', '0x2', '0x4000/0x4000', '0x0/0xff'])}`);
  return out;
}

function ip(r: Rng, w: BridgeWorld): string[] {
  const proto = r.pick(['tcp', 'udp', 'icmp']);
  return [
    '-p IPv4',
    ...(r.chance(40) ? [`--ip-src ${maybe(r)}${r.pick(w.addrs)}`] : []),
    ...(r.chance(30) ? [`--ip-dst ${maybe(r)}${r.pick(w.addrs)}`] : []),
    ...(r.chance(50) ? [`--ip-proto ${proto}`, ...(proto !== 'icmp' && r.chance(50) ? [`--ip-dport ${r.pick(PORTS)}`] : [])] : []),
  ];
}

function ip6(r: Rng, w: World): string[] {
  const proto = r.pick(['tcp', 'udp', 'ipv6-icmp']);
  const more = proto === 'ipv6-icmp' ? `--ip6-icmp-type ${r.pick(['echo-request', '135', '1/4'])}` : `--ip6-dport ${r.pick(PORTS)}`;
  return [
    '-p IPv6',
    ...(r.chance(40) ? [`--ip6-src ${maybe(r)}${r.pick(w.addrs)}`] : []),
    ...(r.chance(30) ? [`--ip6-dst ${maybe(r)}${r.pick(w.addrs)}`] : []),
    ...(r.chance(50) ? [`--ip6-proto ${proto}`, ...(r.chance(50) ? [more] : [])] : []),
  ];
}

function target(r: Rng, w: BridgeWorld, table: string, chain: string): string {
  const mac = (): string => macOf(`${r.pick(w.nets)}.${r.pick(HOSTS)}`);
  const verdict = (): string => r.pick(['ACCEPT', 'CONTINUE', 'DROP']);
  return r.weighed<() => string>([
    [35, () => '-j ACCEPT'],
    [18, () => '-j DROP'],
    [10, () => '-j CONTINUE'],
    [8, () => '-j RETURN'],
    [20, () => `-j mark ${r.pick(['--mark-set 0x1', '--mark-or 0x4000', '--mark-and 0xff', '--mark-xor 0x3'])} --mark-target ${verdict()}`],
    [table === 'nat' && chain === 'POSTROUTING' ? 25 : 0, () => `-j snat --to-src ${mac()} --snat-target ${r.pick(['ACCEPT', 'CONTINUE'])}`],
    [
      table === 'nat' && chain !== 'POSTROUTING' ? 20 : 0,
      () => `-j dnat --to-dst ${r.chance(80) ? mac() : r.pick(w.bridges).mac} --dnat-target ${r.pick(['ACCEPT', 'CONTINUE'])}`,
    ],
    [table === 'nat' && chain === 'PREROUTING' ? 8 : 0, () => `-j redirect --redirect-target ${r.pick(['ACCEPT', 'CONTINUE'])}`],
  ])();
}
