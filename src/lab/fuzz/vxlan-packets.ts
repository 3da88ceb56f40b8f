/** Frames that come to a VXLAN device: as the far end of the tunnel sends them, over a wire. */
import { parseIp4 } from '../../base/addr.js';
import type { InjectStep } from '../../harness/conformance/corpus.js';
import { hexBytes } from '../../harness/conformance/hex.js';
import { buildIp4, buildUdp } from '../../packet/build.js';
import type { SpecStep } from '../case-spec.js';
import { encapsulated, ethernet } from '../follow.js';
import { endsOf } from './bridge-packets.js';
import { HOSTS, macOf } from './node.js';
import type { Rng } from './rng.js';
import { macOf as macOf6 } from './v6/node.js';
import type { Vxlan, VxlanWorld } from './vxlan-node.js';

/** Steps at VXLAN devices become steps at the wires below, which are of IPv4. */
export const throughTunnels = (r: Rng, w: VxlanWorld, steps: readonly SpecStep[]): SpecStep[] =>
  steps.map((s) => {
    const v = s.kind === 'inject' ? w.vxlans.find((x) => x.link.name === s.dev) : undefined;
    return s.kind === 'inject' && v ? outer(r, w, v, s) : s;
  });

function outer(r: Rng, w: VxlanWorld, v: Vxlan, s: InjectStep): InjectStep {
  const under = w.links[v.under];
  const net = w.nets[v.under];
  const src = parseIp4(r.chance(90) ? `${net}.${r.pick(HOSTS)}` : r.pick(w.addrs)) ?? 0;
  const dst = parseIp4(r.chance(92) ? `${net}.1` : r.pick(w.own)) ?? 0;
  const inner = hexBytes(innerFrame(r, w, v, s.frame));
  const payload = encapsulated(r.chance(95) ? v.vni : v.vni + 7, inner);
  if (r.chance(2)) payload[0] = 0;
  if (r.chance(1)) payload[0] |= 0x04;
  const udp = buildUdp(
    { sport: r.chance(80) ? 50000 : r.between(32768, 60000), dport: r.chance(97) ? v.port : 4790, payload: r.chance(98) ? payload : payload.slice(0, 20) },
    src,
    dst,
  );
  if (r.chance(40)) udp[6] = udp[7] = 0;
  else if (r.chance(3)) udp[7] ^= 0x55;
  const tos = r.weighed([
    [80, 0],
    [8, 0x10],
    [4, 1],
    [8, 3],
  ]);
  const ip = buildIp4({ src, dst, proto: 17, payload: udp, ttl: r.chance(95) ? 64 : 1, tos, id: 0x3000 + s.n * 16 + r.below(16), df: r.chance(30) });
  return { kind: 'inject', n: s.n, dev: under.name, frame: ethernet(under.mac, under.far_mac, ip) };
}

/** From a host that the device knows, to the device mostly. */
function innerFrame(r: Rng, w: VxlanWorld, v: Vxlan, frame: string): string {
  if (w.bridges.some((b) => b.ports.includes(v.link))) return frame;
  const host = (): string => {
    const type = frame.slice(24, 28);
    if (type !== '0800' && type !== '86dd') return v.link.far_mac;
    return type === '0800' ? macOf(endsOf(frame)[0]) : macOf6(endsOf(frame)[0]);
  };
  const from = r.weighed<() => string>([
    [92, host],
    [4, () => v.link.far_mac],
    [2, () => v.link.mac],
  ])();
  return `${frame.slice(0, 12)}${from.replaceAll(':', '')}${frame.slice(24)}`;
}
