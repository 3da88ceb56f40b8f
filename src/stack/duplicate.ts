/** TEE: nf_dup_ipv4(), nf_dup_ipv6(): a copy of the packet goes out to a gateway on link, untracked. */
import type { Addr } from '../base/addr.js';
import type { PacketCtx } from '../netfilter/pred.js';
import { CTINFO } from '../packet/types.js';
import { flight } from './flight.js';
import type { NodeRun } from './node-run.js';

export function duplicate(n: NodeRun, c: PacketCtx, gateway: Addr, oif: string | null): void {
  const family = c.skb.family;
  const copy = n.cloneSkb(c.skb);
  copy.ct = null;
  // It has no socket that could say so.
  copy.noMcLoop = false;
  copy.ctinfo = CTINFO.UNTRACKED;
  const incoming = c.hook === 'PREROUTING' || c.hook === 'INPUT';
  if (family === 'ipv4' && !copy.df) {
    // __ip_local_out() sums the header again.
    copy.setU16(6, copy.u16(6) | 0x4000);
  }
  if (incoming) copy.ttl = copy.ttl - 1;
  const dev = oif === null ? null : (n.device(oif) ?? null);
  const r = n.routeOutput(family, { dst: gateway, oif: dev, tos: copy.tos & 0x1c, purpose: 'other' });
  if (r.dst === null) {
    n.drop(copy, 'NOT_SPECIFIED', family === 'ipv4' ? 'nf_dup_ipv4' : 'nf_dup_ipv6', 'no-route', { dst: n.showAddr(gateway) });
    return;
  }
  // FLOWI_FLAG_KNOWN_NH: the asked address is the next hop; not where no route was found and the device alone decides.
  const known = family === 'ipv6' || r.dst.route !== null;
  copy.dst = { ...r.dst, gateway: r.dst.gateway ?? (known ? gateway : null) };
  copy.dev = r.dst.dev;
  n.traverse(family === 'ipv4' ? 'ip_local_out' : 'ip6_local_out', flight(copy));
}
