/** SCTP tracking: nf_conntrack_sctp_packet() of nf_conntrack_proto_sctp.c. */
import type { Skb } from '../../packet/skb.js';
import { type CtInfo, IPS } from '../../packet/types.js';
import { checksumBad } from '../../packet/verify.js';
import { dirOf } from './conn.js';
import { seconds } from './host.js';
import { ACCEPT, INVALID, refresh, type TrackArgs, type TrackVerdict } from './proto.js';

export const SCTP_STATE_NAMES = [
  'NONE',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
] as const;
const NONE = 0;
const CLOSED = 1;
const ESTABLISHED = 4;
const IV = 9;

/** Chunk types (RFC 9260) that tracking looks at. */
const CHUNK = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
} as const;

const CODES = ['NO', 'CL', 'CW', 'CE', 'ES', 'SS', 'SR', 'SA', 'HS', 'IV'];
const row = (text: string): readonly number[] => text.split(' ').map((c) => CODES.indexOf(c));

/**
 * State after a chunk: [direction] -> chunk type -> [state before]. Columns:
 * NO none, CL CLOSED, CW COOKIE_WAIT, CE COOKIE_ECHOED, ES ESTABLISHED, SS SHUTDOWN_SENT, SR SHUTDOWN_RECD, SA SHUTDOWN_ACK_SENT, HS HEARTBEAT_SENT; IV invalid.
 * Chunks without a row (DATA, SACK, …) leave the state alone.
 */
const SCTP_TRANSITIONS: readonly ReadonlyMap<number, readonly number[]>[] = [
  new Map([
    [CHUNK.INIT, row('CL CL CW CE ES CL CL SA CW')],
    [CHUNK.INIT_ACK, row('CL CL CW CE ES SS SR SA CL')],
    [CHUNK.ABORT, row('CL CL CL CL CL CL CL CL CL')],
    [CHUNK.SHUTDOWN, row('CL CL CW CE SS SS SR SA CL')],
    [CHUNK.SHUTDOWN_ACK, row('SA CL CW CE ES SA SA SA SA')],
    [CHUNK.ERROR, row('CL CL CW CE ES SS SR SA CL')],
    [CHUNK.COOKIE_ECHO, row('CL CL CE CE ES SS SR SA CL')],
    [CHUNK.COOKIE_ACK, row('CL CL CW ES ES SS SR SA CL')],
    [CHUNK.SHUTDOWN_COMPLETE, row('CL CL CW CE ES SS SR CL CL')],
    [CHUNK.HEARTBEAT, row('HS CL CW CE ES SS SR SA HS')],
    [CHUNK.HEARTBEAT_ACK, row('CL CL CW CE ES SS SR SA HS')],
  ]),
  new Map([
    [CHUNK.INIT, row('IV CL CW CE ES SS SR SA IV')],
    [CHUNK.INIT_ACK, row('IV CW CW CE ES SS SR SA IV')],
    [CHUNK.ABORT, row('IV CL CL CL CL CL CL CL IV')],
    [CHUNK.SHUTDOWN, row('IV CL CW CE SR SS SR SA IV')],
    [CHUNK.SHUTDOWN_ACK, row('IV CL CW CE ES SA SA SA IV')],
    [CHUNK.ERROR, row('IV CL CW CL ES SS SR SA IV')],
    [CHUNK.COOKIE_ECHO, row('IV CL CE CE ES SS SR SA IV')],
    [CHUNK.COOKIE_ACK, row('IV CL CW ES ES SS SR SA IV')],
    [CHUNK.SHUTDOWN_COMPLETE, row('IV CL CW CE ES SS SR CL IV')],
    [CHUNK.HEARTBEAT, row('IV CL CW CE ES SS SR SA HS')],
    [CHUNK.HEARTBEAT_ACK, row('IV CL CW CE ES SS SR SA ES')],
  ]),
];
const nextState = (dir: number, state: number, type: number): number => SCTP_TRANSITIONS[dir].get(type)?.[state] ?? state;

const TIMEOUT = (
  ['closed', 'closed', 'cookie_wait', 'cookie_echoed', 'established', 'shutdown_sent', 'shutdown_recd', 'shutdown_ack_sent', 'heartbeat_sent'] as const
).map((state) => `nf_conntrack_sctp_timeout_${state}` as const);

/** struct ip_ct_sctp. Arrays are per direction. */
export interface SctpTrack {
  state: number;
  readonly vtag: [number, number];
  readonly init: [boolean, boolean];
  heartbeatFailed: boolean;
  lastDir: number;
}
export const newSctp = (state = NONE): SctpTrack => ({ state, vtag: [0, 0], init: [false, false], heartbeatFailed: false, lastDir: 0 });

interface Chunk {
  readonly type: number;
  readonly flags: number;
  readonly at: number;
}

/** The chunks of a packet after do_basic_checks(); null when they make no sense. */
function readChunks(skb: Skb, offset: number): readonly Chunk[] | null {
  const chunks: Chunk[] = [];
  let alone = false;
  for (let at = offset + 12; at + 4 <= skb.data.length; ) {
    const type = skb.u8(at);
    const length = skb.u16(at + 2);
    alone ||= type === CHUNK.INIT || type === CHUNK.INIT_ACK || type === CHUNK.SHUTDOWN_COMPLETE;
    const mustBeFirst = alone || type === CHUNK.COOKIE_ACK || type === CHUNK.COOKIE_ECHO;
    if ((mustBeFirst && chunks.length > 0) || length === 0) return null;
    chunks.push({ type, flags: skb.u8(at + 1), at });
    at += (length + 3) & ~3;
  }
  return chunks.length > 0 ? chunks : null;
}

/** init_tag of an INIT or INIT ACK chunk; null when truncated. */
const initTag = (skb: Skb, c: Chunk): number | null => (c.at + 20 <= skb.data.length ? skb.u32(c.at + 4) : null);

/** sctp_new(): the track of a first packet, or null when it cannot start one. */
function startTrack(skb: Skb, chunks: readonly Chunk[], vtag: number): SctpTrack | null {
  const t = newSctp();
  for (const c of chunks) {
    const state = nextState(0, NONE, c.type);
    if (state === NONE || state === IV) return null;
    if (c.type === CHUNK.INIT) {
      const tag = initTag(skb, c);
      if (vtag !== 0 || tag === null) return null;
      t.vtag[1] = tag;
    } else if (c.type === CHUNK.HEARTBEAT) t.vtag[0] = vtag;
    else if (c.type === CHUNK.SHUTDOWN_ACK) t.vtag[1] = vtag;
  }
  return t;
}

/** Chunks whose verification tag has rules of its own (RFC 9260, 8.5.1). */
const OWN_TAG_RULE: ReadonlySet<number> = new Set([
  CHUNK.INIT,
  CHUNK.SHUTDOWN_COMPLETE,
  CHUNK.COOKIE_ECHO,
  CHUNK.ABORT,
  CHUNK.SHUTDOWN_ACK,
  CHUNK.HEARTBEAT,
  CHUNK.HEARTBEAT_ACK,
]);

type TagVerdict = 'ok' | 'skip' | 'bad';
/** The verification tag of one chunk; heartbeats may teach a new one (multi-homing). */
function checkTag(t: SctpTrack, dir: 0 | 1, c: Chunk, vtag: number, hasData: boolean, ignored: boolean): TagVerdict {
  const other = (1 - dir) as 0 | 1;
  switch (c.type) {
    case CHUNK.INIT:
      return vtag === 0 ? 'ok' : 'bad';
    case CHUNK.ABORT:
    case CHUNK.SHUTDOWN_COMPLETE:
      return vtag === t.vtag[c.flags & 1 ? other : dir] ? 'ok' : 'bad';
    case CHUNK.COOKIE_ECHO:
      return vtag === t.vtag[dir] ? 'ok' : 'bad';
    case CHUNK.COOKIE_ACK:
      t.init[0] = false;
      t.init[1] = false;
      return 'ok';
    case CHUNK.HEARTBEAT:
    case CHUNK.HEARTBEAT_ACK:
      if (t.vtag[dir] === 0) t.vtag[dir] = vtag;
      else if (vtag === t.vtag[dir]) t.heartbeatFailed = false;
      else if (hasData || ignored) return 'bad';
      else if (c.type === CHUNK.HEARTBEAT) {
        t.heartbeatFailed = true;
        t.lastDir = dir;
        return 'skip';
      } else {
        if (!t.heartbeatFailed || t.lastDir === dir) return 'bad';
        t.heartbeatFailed = false;
        t.vtag[dir] = vtag;
        t.vtag[other] = 0;
      }
      return 'ok';
    default:
      return 'ok';
  }
}

/** Notes the tag an INIT or INIT ACK announces; false when the chunk cannot belong to this association. */
function learnTag(t: SctpTrack, dir: 0 | 1, skb: Skb, c: Chunk, old: number): boolean {
  const other = (1 - dir) as 0 | 1;
  const tag = initTag(skb, c);
  if (tag === null) return false;
  if (c.type === CHUNK.INIT) {
    if (old === NONE || t.vtag[other] !== tag) {
      if (t.init[dir] && t.init[other]) t.init[other] = false;
      t.init[dir] = true;
    }
  } else {
    const known = t.vtag[other];
    if (!t.init[other] && known !== 0 && known !== tag) return false;
    if (t.init[dir] && t.init[other] && known !== tag) return false;
  }
  t.vtag[other] = tag;
  return true;
}

/** nf_conntrack_sctp_packet(). */
export function trackSctp(a: TrackArgs, info: CtInfo): TrackVerdict {
  const { ct, skb, host, offset } = a;
  if (skb.data.length < offset + 12 || (a.checkSum && checksumBad(skb))) return INVALID;
  const chunks = readChunks(skb, offset);
  if (!chunks) return INVALID;
  const vtag = skb.u32(offset + 4);
  const has = (type: number): boolean => chunks.some((c) => c.type === type);
  if (!ct.confirmed) {
    if (has(CHUNK.ABORT) || has(CHUNK.SHUTDOWN_COMPLETE) || has(CHUNK.COOKIE_ACK)) return INVALID;
    const fresh = startTrack(skb, chunks, vtag);
    if (!fresh) return INVALID;
    ct.proto = fresh;
  }
  const t = ct.proto as SctpTrack;
  const dir = dirOf(info);
  if (!chunks.some((c) => OWN_TAG_RULE.has(c.type)) && vtag !== t.vtag[dir]) return INVALID;

  let ignore = false;
  let next: number = NONE;
  for (const c of chunks) {
    const tag = checkTag(t, dir, c, vtag, has(CHUNK.DATA), ignore);
    if (tag === 'bad') return INVALID;
    if (tag === 'skip') {
      ignore = true;
      continue;
    }
    const old = t.state;
    next = nextState(dir, old, c.type);
    if (next === IV) return INVALID;
    if (c.type === CHUNK.INIT || c.type === CHUNK.INIT_ACK) {
      if (!learnTag(t, dir, skb, c, old)) return INVALID;
      if (c.type === CHUNK.INIT && next === CLOSED && old === CLOSED && ct.confirmed) ignore = true;
    }
    t.state = next;
    if (old !== next && next === ESTABLISHED) ct.status |= IPS.ASSURED;
  }
  if (!ignore) refresh(a, info, seconds(host.settings[TIMEOUT[next]]));
  return ACCEPT;
}
