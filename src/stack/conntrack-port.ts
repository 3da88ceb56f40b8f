/** Env's view of connection tracking: what NAT and CT targets ask for, with this node's addresses. */
import type { Addr } from '../base/addr.js';
import type { ConntrackPort } from '../netfilter/env.js';
import type { NodeRun } from './node-run.js';

export function conntrackPort(n: NodeRun): ConntrackPort {
  return {
    natSetup: (c, range, manip) => n.conntrack.natSetup(c, range, manip),
    // IPv6 chooses by where the packet goes to (nf_nat_masquerade_ipv6()), IPv4 by its next hop.
    masqueradeAddress: ({ skb, out }): Addr | null =>
      out === null ? null : n.selectAddr(skb.family, out, skb.family === 'ipv6' ? skb.daddr : (skb.dst?.gateway ?? skb.daddr), 'universe'),
    redirectAddress: (c): Addr | null => {
      if (c.in === null) return null;
      return c.skb.family === 'ipv4' ? n.routing.primary(c.in) : n.routing6.redirectAddress(c.in, c.skb.daddr);
    },
    attachTemplate: (skb, t) => n.conntrack.attachTemplate(skb, t),
    attachHelper: (ct, helper) => n.conntrack.attachHelper(ct, helper),
    untrack: (skb) => n.conntrack.untrack(skb),
    countOn: (c, list) => n.conntrack.countOn(c, list),
    countConnections: (c, key) => n.conntrack.countConnections(c, key),
  };
}
