/**
 * TRACE lines of the kernel log, whatever stands before them: `[12345.678901] `, `<4>`, `Jun 22 12:47:55 host kernel: `, a journal's prefix.
 *
 *     TRACE: table:CHAIN:rule|return|policy:N IN=.. OUT=.. SRC=.. DST=.. …
 */
import type { TraceLogLine } from './trace-log-types.js';
import { readPacketWords } from './trace-log-words.js';

const WORD = 'TRACE: ';
const POINT = /^(raw|mangle|nat|filter|security):(\S+):(rule|return|policy):(\d{1,9})(?=\s|$)/;

/** What the kernel (printk ratelimiting, a full buffer) and journald say where lines were lost. */
const LOST = /callbacks suppressed|printk messages dropped|Suppressed \d+ messages|Missed \d+ kernel messages/;
export const saysLost = (text: string): boolean => LOST.test(text);

/** null: no TRACE line; a text: one that cannot be used, and why. */
export function readKernelTrace(text: string, n: number): TraceLogLine | string | null {
  // Of two lines that were written over each other the last one is whole.
  const at = text.lastIndexOf(WORD);
  if (at < 0) return null;
  const rest = text.slice(at + WORD.length);
  const m = POINT.exec(rest);
  if (!m) return /^\w+:/.test(rest) ? 'it names no point as table:CHAIN:rule:N' : null;
  const packet = readPacketWords(rest.slice(m[0].length));
  if (packet === null) return 'it is cut before SRC= and DST=';
  return {
    n,
    text: rest.trimEnd(),
    time: stamp(text.slice(0, at)),
    table: m[1],
    chain: m[2],
    kind: m[3] as TraceLogLine['kind'],
    num: Number(m[4]),
    handle: null,
    rule: null,
    verdict: null,
    traceId: null,
    nftFamily: null,
    mark: null,
    packet,
  };
}

function stamp(before: string): number | null {
  const m = /\[\s*(\d{1,10}\.\d{1,9})\]\s*$/.exec(before);
  return m ? Math.round(Number(m[1]) * 1000) : null;
}
