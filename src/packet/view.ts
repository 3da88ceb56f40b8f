import type { PacketView } from '../trace/event.js';
import type { Skb } from './skb.js';

/** The packet as it stands now, for an event: a copy, since rewrites follow. */
export function packetView(s: Skb): PacketView {
  return {
    protocol: s.protocol,
    data: s.data.slice(0, 512),
    eth: s.eth ? { dst: s.eth.dst, src: s.eth.src } : null,
    mark: s.mark,
    uid: s.sk?.full ? s.sk.uid : null,
    gid: s.sk?.full ? s.sk.gid : null,
    length: s.data.length,
  };
}
