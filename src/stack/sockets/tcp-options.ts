/** What TCP announces and compares: windows, the MSS, the options of a SYN, sequence numbers (net/ipv4/tcp_output.c, tcp_input.c). */
import type { Dst } from '../../packet/types.js';
import { ipHeaderLength } from './xmit.js';

/** Window scale that follows from the default receive buffer. */
export const WSCALE = 10;
/** What a header without scaling can offer. */
export const MAX_WINDOW = 65535;
/** tcp_full_space() of the default receive buffer (tcp_rmem 131072). */
export const FULL_SPACE = 65536;
/** after(): is `a` behind `b`, round the corner of 2^32? */
export const seqAfter = (a: number, b: number): boolean => ((b - a) | 0) < 0;

/** First window to offer: as many whole segments as 16 bits hold (tcp_select_initial_window()). */
export const windowFor = (mss: number): number => mss * Math.floor(MAX_WINDOW / mss);

/** MSS to announce: the route's advmss, else what its MTU leaves (tcp_advertise_mss()). */
export function advertisedMss(dst: Dst): number {
  const most = dst.family === 'ipv4' ? 65495 : 65476;
  return Math.min(dst.advmss || dst.mtu - ipHeaderLength(dst.family) - 20, most);
}

/** MSS, NOP, NOP, SACK-permitted, NOP, window scale. */
export const fullOptions = (mss: number): Uint8Array => Uint8Array.of(2, 4, mss >> 8, mss & 255, 1, 1, 4, 2, 1, 3, 3, WSCALE);
/** The MSS alone, for a peer that offered no scaling. */
export const mssOption = (mss: number): Uint8Array => Uint8Array.of(2, 4, mss >> 8, mss & 255);

/** Did a SYN or SYN-ACK offer window scaling? */
export function offersScaling(options: Uint8Array): boolean {
  for (let i = 0; i < options.length; ) {
    const kind = options[i];
    if (kind === 0) return false;
    if (kind === 1) i++;
    else {
      if (kind === 3) return true;
      i += Math.max(2, options[i + 1] ?? 2);
    }
  }
  return false;
}
