/** A conversation as a whole: did it come about, and if not, what did the client see? Read off what reached the client. */
import { type Addr, formatAddr, isMulticast4, isMulticast6 } from '../base/addr.js';
import { memoByIdentity } from '../base/memo.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, Skb } from '../packet/skb.js';
import type { Ends } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { PacketView } from '../trace/event.js';

export interface Conversation {
  /** `stalled`, `reset`: it was established, and broke off later. */
  readonly kind: 'established' | 'stalled' | 'reset' | 'wrong-source' | 'refused' | 'timed-out';
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

function segmentOf(v: PacketView, proto: number): Segment | null {
  if ((v.protocol !== ETH_P_IP && v.protocol !== ETH_P_IPV6) || v.data.length < 28) return null;
  const s = new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);
  const tcp = proto === IPPROTO.TCP;
  if (s.l4proto !== proto || s.fragOffset !== 0 || s.data.length < s.thoff + (tcp ? 20 : 8)) return null;
  return { src: s.saddr, sport: s.sport, flags: tcp ? s.u8(s.thoff + 13) : 0 };
}

/** What the client's TCP or UDP gets: INPUT comes after NAT has been undone. */
function receivedBy(p: PacketRun, client: string, proto: number, takes: (skb: number) => boolean = () => true): Segment[] {
  return p.events.flatMap((e) => {
    if (e.t !== 'hook' || e.hook !== 'INPUT' || e.family === 'bridge' || e.node !== client || !takes(e.skb)) return [];
    const s = segmentOf(e.view, proto);
    return s === null ? [] : [s];
  });
}

const at = (a: Addr, port: number): string => (typeof a === 'number' ? `${formatAddr(a)}:${port}` : `[${formatAddr(a)}]:${port}`);

/** Null where the packet is no conversation, or did not begin, or its outcome says all. */
export const conversationOf = memoByIdentity((p: PacketRun): Conversation | null => {
  const start = p.outcome.request.start;
  if (p.packet.spec.kind === 'udp' && start?.proto === IPPROTO.UDP) return datagram(p, start);
  if (p.packet.spec.kind !== 'tcp' || start === null || start.proto !== IPPROTO.TCP) return null;
  const client = p.packet.source.node;
  const called = at(start.dst, start.dport);
  if (p.outcome.connection === 'stalled')
    return { kind: 'stalled', text: `The connection to ${called} was established; what ${client} sent then was never acknowledged.` };
  if (p.outcome.connection === 'reset') return { kind: 'reset', text: `The connection to ${called} was established, and a RST ended it later.` };
  if (p.errno === 0) return { kind: 'established', text: `The connection to ${called} was established.` };
  const received = receivedBy(p, client, IPPROTO.TCP);
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

/** Of datagrams only that is said which their outcome does not: an answer that came, and from somebody else. A group's members answer for themselves. */
function datagram(p: PacketRun, asked: Ends): Conversation | null {
  const client = p.packet.source.node;
  if (isGroup(p, client, asked.dst)) return null;
  const answers = receivedBy(p, client, IPPROTO.UDP, (skb) => p.outcome.skbs.get(skb)?.direction === 'reply');
  const strange = answers.find((s) => s.src !== asked.dst || s.sport !== asked.dport);
  if (!strange || answers.some((s) => s.src === asked.dst && s.sport === asked.dport)) return null;
  const from = at(strange.src, strange.sport);
  return { kind: 'wrong-source', text: `An answer came back from ${from} instead of ${at(asked.dst, asked.dport)}: who asked that one does not take it.` };
}

function isGroup(p: PacketRun, node: string, a: Addr): boolean {
  if (typeof a === 'string') return isMulticast6(a);
  return isMulticast4(a) || a === 0xffffffff || (p.nodes.get(node)?.addrs ?? []).some((x) => x.broadcast === a);
}
