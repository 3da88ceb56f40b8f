/** What an event keeps of a packet. */
import type { PacketView } from '../trace/event.js';
import type { Skb } from './skb.js';

/** Bytes kept of long packets. */
const MOST = 512;

/** The packet as it stands now: a copy, since rewrites follow; the one taken last where nothing has changed since. `unwritten`: its bytes have not, for sure. */
export function packetView(s: Skb, unwritten = false): PacketView {
  const last = s.lastView;
  if (last !== null && isView(last, s, unwritten)) return last;
  const view = {
    protocol: s.protocol,
    data: s.data.slice(0, MOST),
    eth: s.eth ? { dst: s.eth.dst, src: s.eth.src } : null,
    mark: s.mark,
    uid: s.sk?.full ? s.sk.uid : null,
    gid: s.sk?.full ? s.sk.gid : null,
    length: s.data.length,
  };
  s.lastView = view;
  return view;
}

function isView(v: PacketView, s: Skb, unwritten: boolean): boolean {
  const { data } = s;
  if (v.length !== data.length || v.mark !== s.mark || v.protocol !== s.protocol) return false;
  if (v.uid !== (s.sk?.full ? s.sk.uid : null) || v.gid !== (s.sk?.full ? s.sk.gid : null)) return false;
  if (v.eth?.dst !== s.eth?.dst || v.eth?.src !== s.eth?.src) return false;
  if (unwritten) return true;
  const kept = v.data;
  for (let i = 0; i < kept.length; i++) if (kept[i] !== data[i]) return false;
  return true;
}
