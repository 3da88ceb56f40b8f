/** A TCP connection as a whole: did it come about, and if not, what did the client see? Read off the segments that reached the client. */
import { type Addr, formatAddr } from '../base/addr.js';
import { memoByIdentity } from '../base/memo.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, Skb } from '../packet/skb.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { PacketView } from '../trace/event.js';

export interface Conversation {
  readonly kind: 'established' | 'wrong-source' | 'refused' | 'timed-out';
  /** One sentence. */
  readonly text: string;
}

interface Segment {
  readonly src: Addr;
  readonly sport: number;
  readonly flags: number;
}
const SYN_ACK = 0x12;
const RST = 0x04;
const ECONNREFUSED = 111;

function segmentOf(v: PacketView): Segment | null {
  if ((v.protocol !== ETH_P_IP && v.protocol !== ETH_P_IPV6) || v.data.length < 40) return null;
  const s = new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);
  return s.l4proto === IPPROTO.TCP && s.data.length >= s.thoff + 20 ? { src: s.saddr, sport: s.sport, flags: s.u8(s.thoff + 13) } : null;
}

const at = (a: Addr, port: number): string => (typeof a === 'number' ? `${formatAddr(a)}:${port}` : `[${formatAddr(a)}]:${port}`);

/** Null where the packet is no conversation, or did not begin. */
export const conversationOf = memoByIdentity((p: PacketRun): Conversation | null => {
  const start = p.outcome.request.start;
  if (p.packet.spec.kind !== 'tcp' || start === null || start.proto !== IPPROTO.TCP) return null;
  const client = p.packet.source.node;
  const called = at(start.dst, start.dport);
  if (p.errno === 0) return { kind: 'established', text: `The connection to ${called} was established.` };
  const received: Segment[] = [];
  for (const e of p.events) {
    // As the client's TCP sees it: INPUT comes after NAT has been undone.
    if (e.t !== 'hook' || e.hook !== 'INPUT' || e.family === 'bridge' || e.node !== client) continue;
    const s = segmentOf(e.view);
    if (s) received.push(s);
  }
  const strange = received.find((s) => (s.flags & 0x3f) === SYN_ACK && (s.src !== start.dst || s.sport !== start.dport));
  if (strange) {
    const from = strange.sport === start.dport ? formatAddr(strange.src) : at(strange.src, strange.sport);
    const instead = strange.sport === start.dport ? formatAddr(start.dst) : called;
    return { kind: 'wrong-source', text: `SYN-ACK came back from ${from} instead of ${instead}: the client knows no such connection and answers RST.` };
  }
  const reset = received.find((s) => s.flags & RST);
  if (reset) return { kind: 'refused', text: `${at(reset.src, reset.sport)} answered RST: nobody listens there, or a firewall rejects with tcp-reset.` };
  if (p.errno === ECONNREFUSED) return { kind: 'refused', text: `${called} refused the connection.` };
  return { kind: 'timed-out', text: `No SYN-ACK came back from ${called}.` };
});
