/** Random sets of IPv6. */
import { PORTS, type World } from '../node.js';
import type { Rng } from '../rng.js';
import { hashKinds, type Kind, makeSetsOf, type SetPool } from '../sets.js';

export const makeSets = (r: Rng, w: World): SetPool => makeSetsOf(r, (x) => kindOf(x, w));

function kindOf(r: Rng, w: World): [type: string, kind: Kind] {
  const addr = (): string => r.pick(w.addrs);
  const net = (): string => (r.chance(50) ? `${r.pick(w.nets)}::/${r.pick([64, 65, 48, 120])}` : addr());
  const port = (): string =>
    r.chance(15) ? r.pick(['icmpv6:echo-request', 'icmpv6:1/4', 'sctp:80', 'udplite:53']) : `${r.pick(['tcp', 'udp'])}:${r.pick(PORTS)}`;
  const inet = 'family inet6 hashsize 1024 maxelem 65536';
  const masked = `${inet}${r.chance(15) ? ` netmask ${r.pick([64, 126])}` : ''}`;
  return r.weighed<() => [string, Kind]>([
    ...hashKinds({ inet, masked, addr, net, port, dev: () => r.pick(w.links).name }),
    [5, () => ['bitmap:port', { dims: 1, options: 'range 0-65535', member: () => `${r.pick(PORTS)}` }]],
  ])();
}
