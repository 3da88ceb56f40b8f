/** Env's view of connection tracking: what NAT and CT targets ask for, with this node's addresses. */
import type { Addr } from '../base/addr.js';
import type { ConntrackPort } from '../netfilter/env.js';
import type { NodeRun } from './node-run.js';

export function conntrackPort(n: NodeRun): ConntrackPort {
  return {
    natSetup: (c, range, manip) => n.conntrack.natSetup(c, range, manip),
    masqueradeAddress: (c): Addr | null => (c.out === null ? null : n.selectAddr(c.skb.family, c.out, c.skb.dst?.gateway ?? c.skb.daddr, 'universe')),
    redirectAddress: (c): Addr | null => {
      if (c.in === null) return null;
      return c.skb.family === 'ipv4' ? n.routing.primary(c.in) : n.routing6.redirectAddress(c.in, c.skb.daddr);
    },
    attachTemplate: (skb, t) => n.conntrack.attachTemplate(skb, t),
    untrack: (skb) => n.conntrack.untrack(skb),
    countConnections: (c, key) => n.conntrack.countConnections(c, key),
  };
}
