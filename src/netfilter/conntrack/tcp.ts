/** TCP tracking: nf_conntrack_tcp_packet() and tcp_new() of nf_conntrack_proto_tcp.c. The table of states is tcp-states.ts, windows are tcp-window.ts. */
import { type CtInfo, IPS } from '../../packet/types.js';
import { checksumBad } from '../../packet/verify.js';
import { type Conn, type Dir, dirOf } from './conn.js';
import { type ConntrackHost, seconds } from './host.js';
import { ACCEPT, INVALID, refresh, type TrackArgs, type TrackVerdict } from './proto.js';
import { FLAG, SEGMENT, TCP, TCP_IGNORE, TCP_INVALID, TCP_TIMEOUT, TCP_TRANSITIONS, TCP_VALID_FLAGS } from './tcp-states.js';
import {
  before,
  flagsOfBoth,
  inWindow,
  newSide,
  newTrack,
  Opening,
  otherSide,
  readSegment,
  type Segment,
  segmentKind,
  sideOf,
  type TcpTrack,
  takeOptions,
  WIN,
} from './tcp-window.js';

/** The track of a TCP flow that a packet was seen of. */
export function tcpTrack(ct: Conn): TcpTrack {
  if (ct.proto instanceof Opening) ct.proto = ct.proto.track();
  return ct.proto as TcpTrack;
}
/** Its state; TCP.NONE before its first packet. */
export function tcpState(ct: Conn): number {
  if (ct.proto instanceof Opening) return TCP.SYN_SENT;
  return (ct.proto as TcpTrack | null)?.state ?? TCP.NONE;
}
/** nf_conntrack_tcp_established() */
const established = (t: TcpTrack, ct: Conn): boolean => t.state === TCP.ESTABLISHED && (ct.status & IPS.ASSURED) !== 0;
/** tcp_can_early_drop(): states in which the tuple may already be in use anew. */
const closing = (state: number): boolean =>
  state === TCP.FIN_WAIT || state === TCP.LAST_ACK || state === TCP.TIME_WAIT || state === TCP.CLOSE || state === TCP.CLOSE_WAIT;

/** tcp_new() of a flow that is picked up in the middle (nf_conntrack_tcp_loose). */
function pickUp(s: Segment): TcpTrack {
  const t = newTrack();
  const side = sideOf(t, 0);
  side.end = s.end;
  side.maxWin = s.win === 0 ? 1 : s.win;
  side.maxEnd = (s.end + side.maxWin) | 0;
  side.flags = WIN.SACK_PERM | WIN.BE_LIBERAL;
  t.reply = { ...newSide(), flags: WIN.SACK_PERM | WIN.BE_LIBERAL };
  return t;
}

/**
 * tcp_new() and what follows for a SYN: it lies within the window that it announces itself, and nothing has been sent again yet. Until another packet comes, all there
 * is to remember is that SYN.
 */
function open(a: TrackArgs, info: CtInfo, s: Segment): TrackVerdict {
  const { settings } = a.host;
  a.ct.proto = new Opening(s);
  refresh(a, info, seconds(Math.min(settings.nf_conntrack_tcp_timeout_syn_sent, settings.nf_conntrack_tcp_timeout_max_retrans)));
  return ACCEPT;
}

/** A segment let through without believing it: remember it, the other side's answer may tell. */
function noteIgnored(t: TcpTrack, kind: number, dir: Dir, s: Segment, oldState: number): void {
  t.lastIndex = kind;
  t.lastDir = dir;
  t.lastSeq = s.seq;
  t.lastEnd = s.end;
  t.lastWin = s.win;
  if (kind === SEGMENT.SYN && dir === 0) {
    const seen = newSide();
    takeOptions(s, seen);
    t.lastFlags = seen.flags & (WIN.SCALE | WIN.SACK_PERM);
    t.lastScale = seen.flags & WIN.SCALE ? seen.scale : 0;
    // In LAST_ACK a challenge ACK (RFC 5961) would look like the last ACK.
    if (oldState === TCP.LAST_ACK) t.lastFlags |= WIN.EXP_CHALLENGE_ACK;
  }
  if (oldState === TCP.SYN_SENT && kind === SEGMENT.ACK && dir === 1) t.lastAck = s.ack;
}

/** SYN-ACK that acknowledges a SYN we had ignored: both ends are in step, the entry follows them. */
function adoptIgnoredSyn(t: TcpTrack, dir: Dir): void {
  const side = sideOf(t, t.lastDir);
  side.end = t.lastEnd;
  side.maxEnd = t.lastEnd;
  side.maxWin = t.lastWin === 0 ? 1 : t.lastWin;
  side.scale = t.lastScale;
  t.lastFlags &= ~WIN.EXP_CHALLENGE_ACK;
  side.flags = t.lastFlags;
  const other = sideOf(t, dir);
  Object.assign(other, newSide(), { flags: other.flags & WIN.BE_LIBERAL });
}

type RstVerdict = { readonly state: number; readonly skipWindow: boolean } | 'invalid';
/** Which resets are believed: exact sequence number in an established connection (RFC 5961), or the answer to something we had ignored. */
function judgeReset(t: TcpTrack, ct: Conn, dir: Dir, s: Segment, ignoreInvalid: boolean): RstVerdict {
  const old = t.state;
  if (closing(old)) return { state: TCP.CLOSE, skipWindow: true };
  let state: number = TCP.CLOSE;
  const other = otherSide(t, dir);
  if (other.flags & WIN.MAXACK_SET && t.lastIndex !== SEGMENT.SYN) {
    const est = established(t, ct);
    if (s.seq === 0 && !est) return { state, skipWindow: false };
    if (before(s.seq, other.maxAck) && !ignoreInvalid) return 'invalid';
    if (!est || s.seq === other.maxAck) return { state, skipWindow: false };
    if (t.lastIndex === SEGMENT.ACK && t.lastDir === dir && s.seq === t.lastEnd) return { state, skipWindow: false };
    // Not exact: keep the state, the end will send a challenge ACK.
    state = old;
  }
  const answersIgnored =
    ((ct.status & IPS.SEEN_REPLY && t.lastIndex === SEGMENT.SYN && t.lastDir !== dir) || (!(ct.status & IPS.ASSURED) && t.lastIndex === SEGMENT.ACK)) &&
    s.ack === t.lastEnd;
  const answersChallenge = old === TCP.SYN_SENT && t.lastIndex === SEGMENT.ACK && t.lastDir === 1 && s.seq === t.lastAck;
  return { state, skipWindow: answersIgnored || answersChallenge };
}

/** nf_tcp_handle_invalid(): an assured entry whose FINs or RSTs do not fit both ways is dead sooner. */
function shortenForInvalid(a: TrackArgs, t: TcpTrack, dir: Dir, kind: number): void {
  const { ct, host } = a;
  if (!(ct.status & IPS.ASSURED) || ct.status & IPS.FIXED_TIMEOUT || (kind !== SEGMENT.RST && kind !== SEGMENT.FIN)) return;
  if (t.lastDir !== dir && (t.lastIndex === SEGMENT.FIN || t.lastIndex === SEGMENT.RST)) {
    const left = ct.expires - host.now();
    const unack = seconds(host.settings.nf_conntrack_tcp_timeout_unacknowledged);
    if (left >= 120_000 && left > unack) ct.expires = host.now() + unack;
    return;
  }
  t.lastIndex = kind;
  t.lastDir = dir;
}

function nextTimeout(a: TrackArgs, t: TcpTrack, kind: number, state: number): number {
  const normal = seconds(a.host.settings[TCP_TIMEOUT[state]]);
  const max = seconds(a.host.settings.nf_conntrack_tcp_timeout_max_retrans);
  if (t.retrans >= a.host.settings.nf_conntrack_tcp_max_retrans && normal > max) return max;
  if (kind === SEGMENT.RST) return seconds(a.host.settings.nf_conntrack_tcp_timeout_close);
  const unacknowledged = flagsOfBoth(t) & WIN.DATA_UNACKNOWLEDGED;
  if (unacknowledged) {
    const unack = seconds(a.host.settings.nf_conntrack_tcp_timeout_unacknowledged);
    if (normal > unack) return unack;
  }
  return t.lastWin === 0 && normal > max ? max : normal;
}

/** nf_conntrack_tcp_packet(). */
export function trackTcp(a: TrackArgs, info: CtInfo): TrackVerdict {
  const { ct, skb, host } = a;
  const s = readSegment(skb.data, a.offset);
  if (!s || (a.checkSum && checksumBad(skb)) || !TCP_VALID_FLAGS.has(s.flags & ~(FLAG.ECE | FLAG.CWR | FLAG.PSH))) return INVALID;
  const kind = segmentKind(s.flags);
  if (!ct.confirmed) {
    const first = TCP_TRANSITIONS[0][kind][TCP.NONE];
    if (first === TCP.SYN_SENT) return open(a, info, s);
    if (first >= TCP_INVALID || host.settings.nf_conntrack_tcp_loose === 0) return INVALID;
    ct.proto = pickUp(s);
  }
  const t = tcpTrack(ct);
  const old = t.state;
  const dir = dirOf(info);
  let next = TCP_TRANSITIONS[dir][kind][old];
  let skipWindow = false;
  if (next === TCP_INVALID) return INVALID;
  if (next === TCP_IGNORE || (next === TCP.SYN_SENT && old >= TCP.TIME_WAIT)) {
    const closedBefore = flagsOfBoth(t) & WIN.CLOSE_INIT || (t.lastDir === dir && t.lastIndex === SEGMENT.RST);
    if (next === TCP.SYN_SENT && closedBefore) return a.kill(ct) ? { kind: 'repeat' } : { kind: 'drop' };
    if (kind === SEGMENT.SYNACK && t.lastIndex === SEGMENT.SYN && t.lastDir !== dir && s.ack === t.lastEnd) {
      next = TCP.SYN_RECV;
      adoptIgnoredSyn(t, dir);
      return finish(a, t, info, s, kind, TCP.SYN_SENT, next, false);
    }
    noteIgnored(t, kind, dir, s, old);
    return ACCEPT;
  }
  if (next === TCP.TIME_WAIT) {
    const challenge = t.lastFlags & WIN.EXP_CHALLENGE_ACK;
    if (old === TCP.LAST_ACK && kind === SEGMENT.ACK && t.lastDir !== dir && t.lastIndex === SEGMENT.SYN && challenge) {
      t.lastFlags &= ~WIN.EXP_CHALLENGE_ACK;
      return ACCEPT;
    }
  } else if (next === TCP.SYN_SENT2) t.lastFlags |= WIN.SIMULTANEOUS_OPEN;
  else if (next === TCP.SYN_RECV) {
    if (dir === 1 && kind === SEGMENT.ACK && t.lastFlags & WIN.SIMULTANEOUS_OPEN) next = TCP.ESTABLISHED;
  } else if (next === TCP.CLOSE && kind === SEGMENT.RST) {
    const verdict = judgeReset(t, ct, dir, s, host.settings.nf_conntrack_tcp_ignore_invalid_rst !== 0);
    if (verdict === 'invalid') return INVALID;
    next = verdict.state;
    skipWindow = verdict.skipWindow;
  }
  return finish(a, t, info, s, kind, old, next, skipWindow);
}

/** From the window check on. */
function finish(a: TrackArgs, t: TcpTrack, info: CtInfo, s: Segment, kind: number, old: number, next: number, skipWindow: boolean): TrackVerdict {
  const { ct, host } = a;
  const dir = dirOf(info);
  if (!skipWindow) {
    const verdict = inWindow(t, dir, kind, s, host.settings.nf_conntrack_tcp_be_liberal !== 0);
    if (verdict === 'ignore') return ACCEPT;
    if (verdict === 'invalid') {
      shortenForInvalid(a, t, dir, kind);
      return INVALID;
    }
  }
  t.lastIndex = kind;
  t.lastDir = dir;
  t.state = next;
  if (old !== next && next === TCP.FIN_WAIT) sideOf(t, dir).flags |= WIN.CLOSE_INIT;
  let extra = nextTimeout(a, t, kind, next);
  if (!(ct.status & IPS.SEEN_REPLY)) {
    // A reset as the only answer: there never was a connection (nf_ct_kill_acct).
    if (s.flags & FLAG.RST) {
      ct.count(dir, 1, a.skb.data.length);
      a.kill(ct);
      return ACCEPT;
    }
    if (kind === SEGMENT.SYN && old === TCP.SYN_SENT) return ACCEPT;
    const unack = seconds(host.settings.nf_conntrack_tcp_timeout_unacknowledged);
    if (next === TCP.ESTABLISHED && extra > unack) extra = unack;
  } else if (!(ct.status & IPS.ASSURED) && (old === TCP.SYN_RECV || old === TCP.ESTABLISHED) && next === TCP.ESTABLISHED) ct.status |= IPS.ASSURED;
  refresh(a, info, extra);
  return ACCEPT;
}

/** nf_conntrack_tcp_set_closing(). */
export function closeTcp(host: ConntrackHost, ct: Conn): void {
  const t = tcpTrack(ct);
  if (t.state === TCP.CLOSE) return;
  t.state = TCP.CLOSE;
  if (!(ct.status & IPS.FIXED_TIMEOUT)) ct.expires = host.now() + seconds(host.settings.nf_conntrack_tcp_timeout_close);
}
