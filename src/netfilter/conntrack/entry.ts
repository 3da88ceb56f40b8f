/** A table entry as data: what `conntrack -L` shows of it, and back into a table (preloading, `conntrack -I`). */
import { IPPROTO } from '../../packet/skb.js';
import { IPS, type Tuple } from '../../packet/types.js';
import type { Conn, Zone } from './conn.js';
import type { Conntrack } from './index.js';
import { newSctp, SCTP_STATE_NAMES, type SctpTrack } from './sctp.js';
import { tcpState } from './tcp.js';
import { TCP_STATE_NAMES } from './tcp-states.js';
import { newSide, newTrack, WIN } from './tcp-window.js';
import { hasPorts, invertTuple } from './tuple.js';

export interface CtEntry {
  readonly orig: Tuple;
  readonly reply: Tuple;
  /** Seconds left. */
  readonly timeout: number;
  /** TCP and SCTP: name of the state. */
  readonly state: string | null;
  readonly unreplied: boolean;
  readonly assured: boolean;
  readonly mark: number;
  readonly zone: Zone;
  /** Packets and bytes per direction; null where nf_conntrack_acct is off. */
  readonly acct: { readonly packets: readonly [number, number]; readonly bytes: readonly [number, number] } | null;
  readonly secctx: string | null;
  readonly helper: string | null;
  readonly use: number;
}

function stateName(ct: Conn): string | null {
  if (ct.l4proto === IPPROTO.TCP) return TCP_STATE_NAMES[tcpState(ct)];
  return ct.l4proto === IPPROTO.SCTP ? SCTP_STATE_NAMES[(ct.proto as SctpTrack).state] : null;
}

/** `now` in ms; `acct`: nf_conntrack_acct is on. */
export function entryOf(ct: Conn, now: number, acct = false): CtEntry {
  return {
    orig: ct.orig,
    reply: ct.reply,
    timeout: Math.max(0, Math.floor((ct.expires - now) / 1000)),
    state: stateName(ct),
    unreplied: !(ct.status & IPS.SEEN_REPLY),
    assured: (ct.status & IPS.ASSURED) !== 0,
    mark: ct.mark,
    zone: ct.zone,
    acct: acct ? ct.acct : null,
    secctx: null,
    helper: ct.helper,
    use: 1,
  };
}

/** What the status bits of NAT must have been for the two tuples to differ like this. */
export function natStatus(orig: Tuple, reply: Tuple): number {
  const plain = invertTuple(orig);
  if (!plain) return 0;
  const icmp = orig.proto === IPPROTO.ICMP || orig.proto === IPPROTO.ICMPV6;
  let bits = 0;
  if (plain.dst !== reply.dst || (icmp ? plain.sport !== reply.sport : plain.dport !== reply.dport)) bits |= IPS.SRC_NAT;
  if (plain.src !== reply.src || (!icmp && plain.sport !== reply.sport)) bits |= IPS.DST_NAT;
  return bits;
}

const stateNumber = (names: readonly string[], name: string | null): number => Math.max(0, names.indexOf(name ?? ''));

/** Protocol state for an entry whose history is unknown: windows are not held against its packets, as ctnetlink does it. */
function protoState(e: CtEntry, now: number): unknown {
  if (e.orig.proto === IPPROTO.TCP) {
    const t = newTrack();
    t.state = stateNumber(TCP_STATE_NAMES, e.state);
    t.flags = WIN.BE_LIBERAL | WIN.SACK_PERM;
    t.reply = { ...newSide(), flags: WIN.BE_LIBERAL | WIN.SACK_PERM };
    return t;
  }
  if (e.orig.proto === IPPROTO.SCTP) return newSctp(stateNumber(SCTP_STATE_NAMES, e.state));
  if (hasPorts(e.orig.proto)) return { streamAt: e.assured ? -1 : now + 2000 };
  return null;
}

/** Puts an entry into the table; null when one of its tuples is already there. Both NAT bindings count as made. */
export function insertEntry(ct: Conntrack, e: CtEntry): Conn | null {
  return ct.insert(e.orig, e.reply, e.zone, (c) => {
    c.status |= natStatus(e.orig, e.reply) | IPS.NAT_DONE_MASK;
    if (!e.unreplied) c.status |= IPS.SEEN_REPLY;
    if (e.assured) c.status |= IPS.ASSURED;
    c.mark = e.mark;
    c.helper = e.helper;
    c.expires = e.timeout * 1000;
    c.proto = protoState(e, ct.host.now());
    if (!e.acct) return;
    for (const d of [0, 1] as const) c.count(d, e.acct.packets[d], e.acct.bytes[d]);
  });
}
