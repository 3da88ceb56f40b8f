/** Random nodes with bridges: which wires are ports, what bridges and ports are set to, what forwarding databases hold. */
import type { CorpusLink } from '../../harness/conformance/corpus.js';
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
export function bridgeSysctls(r: Rng): [string, string][] {
  return [
    ['net/bridge/bridge-nf-call-iptables', r.chance(78) ? '1' : '0'],
    ['net/bridge/bridge-nf-call-arptables', r.chance(50) ? '1' : '0'],
    ['net/bridge/bridge-nf-filter-vlan-tagged', r.chance(25) ? '1' : '0'],
    ['net/bridge/bridge-nf-pass-vlan-input-dev', '0'],
  ];
}
