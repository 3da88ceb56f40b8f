/**
 * TRACE points from nfnetlink_log, as `tcpdump -i nflog:0` hands them out (LINKTYPE_NFLOG): one namespace's own log, with the packet whole. What the kernel log
 * would print in its line is read from the packet by the same function that reads the model's (harness/conformance/trace-point.ts).
 */

import type { TracePoint } from '../harness/conformance/corpus.js';
import { tracePoint } from '../harness/conformance/trace-point.js';
import { ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';

/** linux/netfilter/nfnetlink_log.h: enum nfulnl_attr_type. */
const NFULA = { mark: 2, indev: 4, outdev: 5, physin: 6, physout: 7, payload: 9, prefix: 10, uid: 11, header: 16 } as const;
/** Who sends the frames of the far ends: nobody. Where a bridge keeps a frame's socket (no iptables, no orphaning) nfnetlink_log tells its owner, of another namespace. */
export const FAR_UID = 65534;
const AF_INET = 2;
const AF_INET6 = 10;

export interface LogRecord {
  readonly family: number;
  readonly prefix: string;
  readonly in: number;
  readonly out: number;
  readonly physin: number;
  readonly physout: number;
  readonly mark: number;
  readonly uid: number | null;
  /** Link header of a received frame; empty where there is none. */
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
}

export function readLogRecord(b: Uint8Array): LogRecord {
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const fields = new Map<number, { at: number; length: number }>();
  for (let at = 4; at + 4 <= b.length; ) {
    const length = v.getUint16(at, true);
    if (length < 4 || at + length > b.length) break;
    fields.set(v.getUint16(at + 2, true) & 0x7fff, { at: at + 4, length: length - 4 });
    at += (length + 3) & ~3;
  }
  const number = (type: number): number => {
    const f = fields.get(type);
    return f && f.length >= 4 ? v.getUint32(f.at) : 0;
  };
  const bytes = (type: number): Uint8Array => {
    const f = fields.get(type);
    return f ? b.slice(f.at, f.at + f.length) : new Uint8Array(0);
  };
  return {
    family: b[0],
    prefix: new TextDecoder('latin1').decode(bytes(NFULA.prefix)).replace(/\0.*$/s, ''),
    in: number(NFULA.indev),
    out: number(NFULA.outdev),
    physin: number(NFULA.physin),
    physout: number(NFULA.physout),
    mark: number(NFULA.mark),
    uid: fields.has(NFULA.uid) ? number(NFULA.uid) : null,
    header: bytes(NFULA.header),
    payload: bytes(NFULA.payload),
  };
}

const TRACE = /^TRACE: ([^:]+):(.+):(rule|return|policy):(\d+) $/;

/** null when the record is no TRACE line. `names`: device names by index. */
export function tracePointOf(r: LogRecord, names: ReadonlyMap<number, string>): TracePoint | null {
  const m = TRACE.exec(r.prefix);
  if (!m || (r.family !== AF_INET && r.family !== AF_INET6)) return null;
  const [, table, chain, kind, num] = m;
  const name = (index: number): string => (index === 0 ? '' : (names.get(index) ?? `if${index}`));
  const physin = name(r.physin);
  const physout = name(r.physout);
  return tracePoint({
    t: 'trace',
    kind: kind as 'rule',
    rule: { table, chain, num: Number(num) },
    in: name(r.in),
    out: name(r.out),
    ...(physin ? { physin } : {}),
    ...(physout ? { physout } : {}),
    view: { data: r.payload, protocol: r.family === AF_INET ? ETH_P_IP : ETH_P_IPV6, mark: r.mark, uid: r.uid === FAR_UID ? null : r.uid },
  } as never);
}
