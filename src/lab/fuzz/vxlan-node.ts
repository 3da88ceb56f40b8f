/** Random nodes with VXLAN devices over their wires, by themselves or as ports of a bridge. */
import type { CorpusLink } from '../../harness/conformance/corpus.js';
import type { BridgeWorld } from './bridge-node.js';
import { HOSTS, macOf, makeWorld, NAMES } from './node.js';
import type { Rng } from './rng.js';

const DEVICES = ['flannel.1', 'vxlan.calico', 'vx0'] as const;

export interface Vxlan {
  readonly link: CorpusLink;
  readonly vni: number;
  readonly port: number;
  /** The wire that leads to its remotes: where it stands among the world's links. */
  readonly under: number;
}

export interface VxlanWorld extends BridgeWorld {
  readonly vxlans: readonly Vxlan[];
}

export function makeVxlanWires(r: Rng): CorpusLink[] {
  const names = NAMES.filter((n) => n !== 'tunl0');
  return Array.from({ length: r.between(2, 4) }, (_, i) => {
    const mac = (10 + i).toString(16).padStart(2, '0');
    return { name: names.splice(r.below(names.length), 1)[0], mac: `02:00:00:00:00:${mac}`, far_mac: `02:fe:00:00:00:${mac}`, up: true };
  });
}

export function makeVxlanWorld(r: Rng, wires: readonly CorpusLink[], policyRules: boolean): VxlanWorld {
  const names = [...DEVICES];
  const made = Array.from({ length: r.chance(25) ? 2 : 1 }, (_, i) => ({
    name: names.splice(r.below(names.length), 1)[0],
    mac: `02:00:00:00:00:e${i}`,
    far_mac: `02:ee:00:00:00:e${i}`,
    up: true,
  }));
  // The last wire may be a port of the bridge that the first VXLAN device is one of; the first never is.
  const bridged = r.chance(40);
  const ports = bridged ? [made[0], ...(wires.length > 2 || r.chance(40) ? [wires[wires.length - 1]] : [])] : [];
  const bridge = bridged ? [{ name: 'br0', mac: '02:00:00:00:00:b0', far_mac: ports[0].far_mac, up: true }] : [];
  const devices = [...bridge, ...[...wires, ...made].filter((l) => !ports.includes(l))];
  const first = bridge.length;
  const others = wires.filter((l) => !ports.includes(l)).length;
  const w = makeWorld(r, devices, policyRules);
  return {
    ...w,
    ...(bridged ? { ports: ports.map((p) => p.name) } : {}),
    bridges: bridge.map((b) => ({ name: b.name, mac: b.mac, ports, at: 0 })),
    vxlans: made.map((link, i) => ({ link, vni: r.pick([1, 42, 4096]) + i, port: r.pick([4789, 8472]), under: first + r.below(Math.min(2, others)) })),
  };
}

/** Lines of `ip` and of `bridge` that make the devices, and what they know of who is where. */
export function makeVxlans(r: Rng, w: VxlanWorld): { devices: string[]; bridge: string[] } {
  const devices: string[] = [];
  const bridge: string[] = [];
  for (const [i, v] of w.vxlans.entries()) {
    const under = `${w.nets[v.under]}`;
    const remote = (): string => `${under}.${r.pick(HOSTS)}`;
    const options = [
      `id ${v.vni} dstport ${v.port} srcport 50000 50001`,
      ...(r.chance(80) ? [`local ${under}.1`] : []),
      ...(r.chance(70) ? [`dev ${w.links[v.under].name}`] : []),
      ...(r.chance(30) ? [`remote ${remote()}`] : []),
      r.chance(50) ? 'nolearning' : 'learning',
      ...(r.chance(20) ? [`ttl ${r.pick(['inherit', '5', '1'])}`] : []),
      ...(r.chance(20) ? [`tos ${r.pick(['inherit', '0x10', '0xb8'])}`] : []),
      ...(r.chance(20) ? [`df ${r.pick(['set', 'inherit'])}`] : []),
      r.chance(50) ? 'udpcsum' : 'noudpcsum',
    ];
    devices.push(`link add ${v.link.name} index ${30 + i} address ${v.link.mac} type vxlan ${options.join(' ')}`);
    const net = w.nets[w.links.findIndex((l) => l.name === v.link.name)] ?? w.nets[0];
    for (const h of HOSTS)
      if (r.chance(60)) bridge.push(`fdb append ${macOf(`${net}.${h}`)} dev ${v.link.name} dst ${remote()}${r.chance(6) ? ` vni ${v.vni + 1}` : ''}`);
    for (let n = r.pick([0, 1, 1, 2]); n > 0; n--) bridge.push(`fdb append 00:00:00:00:00:00 dev ${v.link.name} dst ${remote()}`);
  }
  for (const b of w.bridges) {
    devices.push(`link add ${b.name} index 20 address ${b.mac} type bridge`);
    for (const p of b.ports) devices.push(`link set ${p.name} master ${b.name}`);
    devices.push(`link set ${b.name} up`);
    for (const p of b.ports) if (r.chance(12)) bridge.push(`link set dev ${p.name} ${r.pick(['hairpin on', 'isolated on', 'learning off', 'flood off'])}`);
  }
  for (const v of w.vxlans) if (!r.chance(2)) devices.push(`link set ${v.link.name} up`);
  return { devices, bridge };
}
