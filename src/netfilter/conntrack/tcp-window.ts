/** Sequence numbers and windows: tcp_in_window(), tcp_options(), tcp_sack() of nf_conntrack_proto_tcp.c. */
import type { Dir } from './conn.js';
import { FLAG, SEGMENT, TCP } from './tcp-states.js';

export const WIN = {
  SCALE: 1,
  SACK_PERM: 2,
  CLOSE_INIT: 4,
  BE_LIBERAL: 8,
  DATA_UNACKNOWLEDGED: 16,
  MAXACK_SET: 32,
  EXP_CHALLENGE_ACK: 64,
  SIMULTANEOUS_OPEN: 128,
} as const;

/** struct ip_ct_tcp_state: what is known of one sender. Sequence numbers are int32, which V8 keeps in place; a uint32 would be an object of its own half of the time. */
export interface TcpSide {
  /** Highest seq + len sent. */
  end: number;
  /** Highest seq + len it may send: last ack + window of the other side. */
  maxEnd: number;
  /** Largest window it announced. */
  maxWin: number;
  maxAck: number;
  scale: number;
  /** WIN bits. */
  flags: number;
}
export const newSide = (): TcpSide => ({ end: 0, maxEnd: 0, maxWin: 0, maxAck: 0, scale: 0, flags: 0 });

/** struct ip_ct_tcp. It is the side of the one who opened the connection, too: an object less for every flow. */
export interface TcpTrack extends TcpSide {
  /** The side that answers; null while nothing is known of it but what the opening SYN says. */
  reply: TcpSide | null;
  state: number;
  lastDir: Dir;
  lastIndex: number;
  lastSeq: number;
  lastAck: number;
  lastEnd: number;
  lastWin: number;
  lastScale: number;
  lastFlags: number;
  retrans: number;
}
export const newTrack = (): TcpTrack => ({
  end: 0,
  maxEnd: 0,
  maxWin: 0,
  maxAck: 0,
  scale: 0,
  flags: 0,
  reply: null,
  state: TCP.NONE,
  lastDir: 0,
  lastIndex: SEGMENT.NONE,
  lastSeq: 0,
  lastAck: 0,
  lastEnd: 0,
  lastWin: 0,
  lastScale: 0,
  lastFlags: 0,
  retrans: 0,
});

/** What a TCP flow keeps while its only packet is the SYN that opens it: most flows of a flood get no further. */
export class Opening {
  readonly end: number;
  readonly maxWin: number;
  scale = 0;
  flags = 0;
  constructor(s: Segment) {
    this.end = s.end;
    this.maxWin = s.win === 0 ? 1 : s.win;
    takeOptions(s, this);
  }
  /** The track as that SYN left it. */
  track(): TcpTrack {
    const t = newTrack();
    t.end = this.end;
    t.maxEnd = this.end;
    t.maxWin = this.maxWin;
    t.scale = this.scale;
    t.flags = this.flags;
    t.state = TCP.SYN_SENT;
    t.lastIndex = SEGMENT.SYN;
    return t;
  }
}

/** The side that answers. An opening SYN says of it how far it may send, namely as far as the window goes, and nothing else; so it is made at the second packet. */
function answering(t: TcpTrack): TcpSide {
  t.reply ??= { ...newSide(), maxEnd: t.maxWin };
  return t.reply;
}
/** The sender of packets in that direction. */
export const sideOf = (t: TcpTrack, dir: Dir): TcpSide => (dir === 0 ? t : answering(t));
/** The one who gets them. */
export const otherSide = (t: TcpTrack, dir: Dir): TcpSide => (dir === 0 ? answering(t) : t);
/** WIN bits of either side. */
export const flagsOfBoth = (t: TcpTrack): number => t.flags | (t.reply === null ? 0 : t.reply.flags);

/** A TCP header with what tracking needs; sequence numbers as int32. */
export interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly win: number;
  /** Flag byte. */
  readonly flags: number;
  /** seq + payload, SYN and FIN counted. */
  readonly end: number;
  readonly options: Uint8Array;
}

const int32 = (d: Uint8Array, at: number): number => (d[at] << 24) | (d[at + 1] << 16) | (d[at + 2] << 8) | d[at + 3];

const NO_OPTIONS = new Uint8Array(0);

/** null when the header is truncated or its length impossible. `at` is the offset of the TCP header. */
export function readSegment(d: Uint8Array, at: number): Segment | null {
  const length = d.length - at;
  if (length < 20) return null;
  const header = (d[at + 12] >>> 4) * 4;
  if (header < 20 || length < header) return null;
  const flags = d[at + 13];
  const seq = int32(d, at + 4);
  const end = (seq + length - header + (flags & FLAG.SYN ? 1 : 0) + (flags & FLAG.FIN ? 1 : 0)) | 0;
  return {
    seq,
    ack: int32(d, at + 8),
    win: (d[at + 14] << 8) | d[at + 15],
    flags,
    end,
    options: header === 20 ? NO_OPTIONS : d.subarray(at + 20, at + header),
  };
}

export function segmentKind(flags: number): number {
  if (flags & FLAG.RST) return SEGMENT.RST;
  if (flags & FLAG.SYN) return flags & FLAG.ACK ? SEGMENT.SYNACK : SEGMENT.SYN;
  if (flags & FLAG.FIN) return SEGMENT.FIN;
  return flags & FLAG.ACK ? SEGMENT.ACK : SEGMENT.NONE;
}

/** Serial number arithmetic. */
export const before = (a: number, b: number): boolean => ((a - b) | 0) < 0;
/** The other way round (after()). */
export const after = (a: number, b: number): boolean => before(b, a);
/** A sequence number. */
const seq32 = (n: number): number => n | 0;
/** A window, or the distance between two sequence numbers. */
const u = (n: number): number => n >>> 0;

/** Walks the options, stopping at the first silly one as the kernel does. `visit` gets kind, offset of the value and its length. */
function eachOption(o: Uint8Array, visit: (kind: number, at: number, length: number) => void): void {
  for (let i = 0; i < o.length; ) {
    const kind = o[i];
    if (kind === 0) return;
    if (kind === 1) {
      i++;
      continue;
    }
    if (o.length - i < 2) return;
    const size = o[i + 1];
    if (size < 2 || size > o.length - i) return;
    visit(kind, i + 2, size - 2);
    i += size;
  }
}

/** tcp_options(): window scale and SACK-permitted of a SYN. */
export function takeOptions(s: Segment, side: Pick<TcpSide, 'scale' | 'flags'>): void {
  if (s.options.length === 0) return;
  side.scale = 0;
  side.flags &= WIN.BE_LIBERAL;
  eachOption(s.options, (kind, at, length) => {
    if (kind === 4 && length === 0) side.flags |= WIN.SACK_PERM;
    else if (kind === 3 && length === 1) {
      side.scale = Math.min(s.options[at], 14);
      side.flags |= WIN.SCALE;
    }
  });
}

/** tcp_sack(): highest right edge of a SACK block, or `ack`. */
function highestSack(s: Segment, ack: number): number {
  let sack = ack;
  let done = false;
  eachOption(s.options, (kind, at, length) => {
    if (done || kind !== 5 || length < 8 || length % 8 !== 0) return;
    done = true;
    const o = s.options;
    for (let i = at + 4; i < at + length; i += 8) {
      const edge = int32(o, i);
      if (after(edge, sack)) sack = edge;
    }
  });
  return sack;
}

/** tcp_init_sender(): first SYN(-ACK) of a direction. */
function initSender(sender: TcpSide, receiver: TcpSide, s: Segment, dir: Dir): void {
  sender.end = s.end;
  sender.maxEnd = s.end;
  sender.maxWin = s.win === 0 ? 1 : s.win;
  takeOptions(s, sender);
  // Scaling holds only where both sides offered it.
  if (dir === 1 && !(sender.flags & WIN.SCALE && receiver.flags & WIN.SCALE)) {
    sender.scale = 0;
    receiver.scale = 0;
  }
}

export type WindowVerdict = 'accept' | 'ignore' | 'invalid';
/** Smallest span of acceptable old acknowledgements. */
const MAX_ACK_WINDOW = 66000;

/**
 * tcp_in_window(): does the segment fit into what both ends can accept? Updates the track when it does.
 * 'ignore' = out of window in a harmless way: it passes without a state change. `liberal` is nf_conntrack_tcp_be_liberal.
 */
export function inWindow(t: TcpTrack, dir: Dir, kind: number, s: Segment, liberal: boolean): WindowVerdict {
  const sender = sideOf(t, dir);
  const receiver = otherSide(t, dir);
  const syn = (s.flags & FLAG.SYN) !== 0;
  const hasAck = (s.flags & FLAG.ACK) !== 0;
  let { seq, ack, end } = s;
  let sack = receiver.flags & WIN.SACK_PERM ? highestSack(s, ack) : ack;
  const refuse = (v: WindowVerdict): WindowVerdict => (liberal || sender.flags & WIN.BE_LIBERAL ? 'accept' : v);

  if (sender.maxWin === 0) {
    if (syn) {
      initSender(sender, receiver, s, dir);
      if (!hasAck) return 'accept';
    } else {
      // Picked up in the middle: believe this segment.
      sender.end = end;
      const win = u(s.win << sender.scale);
      sender.maxWin = win === 0 ? 1 : win;
      sender.maxEnd = seq32(end + sender.maxWin);
      if (receiver.maxWin === 0) {
        receiver.end = sack;
        receiver.maxEnd = sack;
      } else if (sack === seq32(receiver.end + 1)) receiver.end = sack;
    }
  } else if (syn && after(end, sender.end) && (t.state === TCP.SYN_SENT || t.state === TCP.SYN_RECV)) {
    initSender(sender, receiver, s, dir);
    if (dir === 1 && !hasAck) return 'accept';
  }

  if (!hasAck || (s.flags & FLAG.RST && ack === 0)) {
    ack = receiver.end;
    sack = receiver.end;
  }
  if (s.flags & FLAG.RST && seq === 0 && t.state === TCP.SYN_SENT) {
    seq = sender.end;
    end = sender.end;
  }

  const oldestAck = seq32(receiver.end - Math.max(sender.maxWin, MAX_ACK_WINDOW) - 1);
  if (!before(seq, sender.maxEnd + 1)) {
    const overshot = u(end - sender.maxEnd + 1);
    const inReceiverWindow = receiver.maxWin !== 0 && after(end, sender.end - receiver.maxWin - 1);
    if (inReceiverWindow && after(sack, oldestAck) && overshot <= receiver.maxWin && before(sack, receiver.end + 1)) {
      // Only the upper bound failed: remember the data, so that its acknowledgement is believed.
      sender.end = end;
      sender.flags |= WIN.DATA_UNACKNOWLEDGED;
      return refuse('ignore');
    }
    return refuse('invalid');
  }
  if (!before(sack, receiver.end + 1)) return refuse('invalid');
  if (receiver.maxWin !== 0 && !after(end, sender.end - receiver.maxWin - 1)) return refuse('ignore');
  if (!after(sack, oldestAck)) return refuse('ignore');

  advance(t, dir, kind, s, { seq, ack, sack, end, win: syn ? s.win : u(s.win << sender.scale) });
  return 'accept';
}

function advance(t: TcpTrack, dir: Dir, kind: number, s: Segment, v: { seq: number; ack: number; sack: number; end: number; win: number }): void {
  const sender = sideOf(t, dir);
  const receiver = otherSide(t, dir);
  const { seq, ack, sack, end, win } = v;
  sender.maxWin = Math.max(sender.maxWin, u(win + u(sack - ack)));
  if (after(end, sender.end)) {
    sender.end = end;
    sender.flags |= WIN.DATA_UNACKNOWLEDGED;
  }
  if (s.flags & FLAG.ACK) {
    if (!(sender.flags & WIN.MAXACK_SET)) {
      sender.maxAck = ack;
      sender.flags |= WIN.MAXACK_SET;
    } else if (after(ack, sender.maxAck)) sender.maxAck = ack;
  }
  if (receiver.maxWin !== 0 && after(end, sender.maxEnd)) receiver.maxWin = u(receiver.maxWin + u(end - sender.maxEnd));
  if (after(sack + win, receiver.maxEnd - 1)) receiver.maxEnd = seq32(sack + win + (win === 0 ? 1 : 0));
  if (ack === receiver.end) receiver.flags &= ~WIN.DATA_UNACKNOWLEDGED;

  if (kind !== SEGMENT.ACK) return;
  if (t.lastDir === dir && t.lastSeq === seq && t.lastAck === ack && t.lastEnd === end && t.lastWin === s.win) {
    t.retrans++;
    return;
  }
  t.lastDir = dir;
  t.lastSeq = seq;
  t.lastAck = ack;
  t.lastEnd = end;
  t.lastWin = s.win;
  t.retrans = 0;
}
