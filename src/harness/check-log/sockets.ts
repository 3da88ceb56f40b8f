/** The node's sockets while a log is replayed: rules can find them, but they answer nothing. What the node's programs sent stands in the log, where it was traced. */
import { IPPROTO, type Skb } from '../../packet/skb.js';
import type { SkSocket } from '../../packet/types.js';
import { packetView } from '../../packet/view.js';
import type { NodeRun } from '../../stack/node-run.js';
import { ScenarioSockets } from '../../stack/sockets/scenario.js';

class SilentSockets extends ScenarioSockets {
  override tcpRcv(skb: Skb): void {
    this.node.tell(skb, { t: 'deliver', socket: '', what: 'tcp', view: packetView(skb) });
  }
  override udpRcv(skb: Skb): void {
    this.node.tell(skb, { t: 'deliver', socket: '', what: 'udp', view: packetView(skb) });
  }
  override icmpError(): void {}
}

export const silentSockets = (n: NodeRun): SilentSockets => new SilentSockets(n);

/** The socket of a local packet, as far as the log tells of it: its owner. */
export const ownerSocket = (uid: number, gid: number, family: 'ipv4' | 'ipv6', mark: number): SkSocket => ({
  id: 'log',
  family,
  proto: IPPROTO.TCP,
  uid,
  gid,
  groups: [],
  mark,
  priority: 0,
  boundDev: null,
  transparent: false,
  full: true,
  cgroupPath: null,
  classid: 0,
});
