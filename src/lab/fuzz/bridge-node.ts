/** Random nodes with bridges: which wires are ports, what bridges and ports are set to, what forwarding databases hold. */
import type { CorpusLink } from '../../harness/conformance/corpus.js';
import type { RuleLine } from '../case-spec.js';
import { HOSTS, macOf, makeWorld, NAMES, type World } from './node.js';
import type { Rng } from './rng.js';

const BRIDGES = ['br0', 'cni0', 'docker0'] as const;

export interface Bridge {
  readonly name: string;
  readonly mac: string;
  readonly ports: readonly CorpusLink[];
  /** Where it stands among the world's links. */
  readonly at: number;
}

/** A world whose links are the devices that have addresses: bridges first, then wires that are no ports. */
export interface BridgeWorld extends World {
  readonly bridges: readonly Bridge[];
}

/** Wires of a batch: enough for a bridge. */
export function makeBridgeWires(r: Rng): CorpusLink[] {
  const names = [...NAMES];
  return Array.from({ length: r.between(3, 5) }, (_, i) => {
    const mac = (10 + i).toString(16).padStart(2, '0');
    return { name: names.splice(r.below(names.length), 1)[0], mac: `02:00:00:00:00:${mac}`, far_mac: `02:fe:00:00:00:${mac}`, up: true };
  });
}

export function makeBridgeWorld(r: Rng, wires: readonly CorpusLink[], policyRules: boolean): BridgeWorld {
  const names = [...BRIDGES];
  const left = [...wires];
  const bridges: Bridge[] = [];
  for (let n = left.length > 3 && r.chance(30) ? 2 : 1; n > 0; n--) {
    const count = Math.min(left.length - 2 * (n - 1), r.pick([2, 2, 3, 3, 4, 1]));
    const ports = Array.from({ length: count }, () => left.splice(r.below(left.length), 1)[0]);
    const mac = r.chance(85) ? `02:00:00:00:00:b${bridges.length}` : ports[0].mac;
    bridges.push({ name: names.splice(r.below(names.length), 1)[0], mac, ports, at: bridges.length });
  }
  const devices = [...bridges.map((b) => ({ name: b.name, mac: b.mac, far_mac: b.ports[0].far_mac, up: true })), ...left];
  return { ...makeWorld(r, devices, policyRules), ports: bridges.flatMap((b) => b.ports.map((p) => p.name)), bridges };
}

const onOff = (r: Rng): string => r.pick(['on', 'off']);

/** Lines of `ip` and of `bridge` that make the bridges. */
export function makeBridges(r: Rng, w: BridgeWorld): { devices: string[]; bridge: string[] } {
  const devices: string[] = [];
  const bridge: string[] = [];
  for (const [i, b] of w.bridges.entries()) {
    const options = [
      ...(r.chance(15) ? [`nf_call_iptables 1`] : []),
      ...(r.chance(15) ? [`mcast_snooping 0`] : []),
      ...(r.chance(6) ? ['ageing_time 0'] : []),
      ...(r.chance(8) ? [`group_fwd_mask ${r.pick([8, 16384, 65528])}`] : []),
    ];
    devices.push(`link add ${b.name} index ${20 + i} address ${b.mac} type bridge ${options.join(' ')}`.trim());
    for (const p of b.ports) devices.push(`link set ${p.name} master ${b.name}`);
    if (r.chance(8)) devices.push(`link set ${b.name} promisc on`);
    if (!r.chance(2)) devices.push(`link set ${b.name} up`);
    for (const p of b.ports) bridge.push(...portLines(r, p.name));
    for (let n = r.chance(30) ? r.between(1, 3) : 0; n > 0; n--) bridge.push(fdbLine(r, w, b));
  }
  return { devices, bridge };
}

/** Bridges without addresses, ports with one of their own, ports with other MTUs: what `ip` is told besides. */
export function bridgeAddresses(r: Rng, w: BridgeWorld, lines: readonly string[]): string[] {
  const out = lines.filter((l) => !(l.startsWith('addr') && w.bridges.some((b) => l.endsWith(` dev ${b.name}`)) && r.chance(6)));
  const ports = w.bridges.flatMap((b) => b.ports);
  const other = r.chance(15);
  for (const [i, p] of ports.entries()) {
    if (other ? r.chance(60) : r.chance(3)) out.push(`link set ${p.name} mtu ${r.pick([1280, 1400, 9000, 576])}`);
    if (r.chance(3)) out.push(`addr add 10.99.${i}.1/24 dev ${p.name}`);
  }
  return out;
}

/** Rules that send what is bridged to another host of the bridge, or to the node. */
export function bridgedNat(r: Rng, w: BridgeWorld): RuleLine[] {
  const out: RuleLine[] = [];
  for (let n = r.chance(35) ? r.between(1, 2) : 0; n > 0; n--) {
    const net = w.nets[r.pick(w.bridges).at];
    const from = `-A PREROUTING -d ${net}.${r.chance(50) ? '0/24' : r.pick(HOSTS)}${r.chance(50) ? ` -p ${r.pick(['tcp', 'udp', 'icmp'])}` : ''}`;
    const to = r.weighed([
      [50, `DNAT --to-destination ${net}.${r.pick(HOSTS)}`],
      [15, `DNAT --to-destination ${r.pick(w.addrs)}`],
      [15, `DNAT --to-destination ${r.pick(w.own)}`],
      [20, 'REDIRECT'],
    ]);
    out.push({ table: 'nat', text: `${from} -j ${to}` });
    if (r.chance(30)) out.push({ table: 'nat', text: `-A POSTROUTING -s ${net}.0/24 -j ${r.pick(['MASQUERADE', `SNAT --to-source ${r.pick(w.own)}`])}` });
  }
  return out;
}

function portLines(r: Rng, port: string): string[] {
  const flags = [
    ...(r.chance(25) ? ['hairpin on'] : []),
    ...(r.chance(18) ? ['isolated on'] : []),
    ...(r.chance(10) ? ['learning off'] : []),
    ...(r.chance(10) ? ['flood off'] : []),
    ...(r.chance(8) ? ['mcast_flood off'] : []),
    ...(r.chance(8) ? ['bcast_flood off'] : []),
    ...(r.chance(3) ? ['learning on locked on'] : []),
    ...(r.chance(3) ? [`mcast_to_unicast ${onOff(r)}`] : []),
    ...(r.chance(3) ? [`state ${r.pick([0, 1, 2, 4])}`] : []),
  ];
  return flags.length > 0 ? [`link set dev ${port} ${flags.join(' ')}`] : [];
}

function fdbLine(r: Rng, w: BridgeWorld, b: Bridge): string {
  const host = macOf(`${w.nets[b.at]}.${r.pick(HOSTS)}`);
  if (r.chance(8)) return `fdb replace ${host} dev ${b.name} self permanent`;
  return `fdb replace ${host} dev ${r.pick(b.ports).name} master ${r.pick(['static', 'static', 'dynamic', 'permanent', 'sticky static'])}`;
}

/** Settings of the module. */
export function bridgeSysctls(r: Rng, w: BridgeWorld): [string, string][] {
  return [
    ...(r.chance(12) ? ([['net/ipv4/ip_forward', '0'], ...w.bridges.map((b) => [`net/ipv4/conf/${b.name}/forwarding`, '0'])] as [string, string][]) : []),
    ['net/bridge/bridge-nf-call-iptables', r.chance(78) ? '1' : '0'],
    ['net/bridge/bridge-nf-call-arptables', r.chance(50) ? '1' : '0'],
    ['net/bridge/bridge-nf-filter-vlan-tagged', r.chance(25) ? '1' : '0'],
    ['net/bridge/bridge-nf-pass-vlan-input-dev', r.chance(25) ? '1' : '0'],
  ];
}
