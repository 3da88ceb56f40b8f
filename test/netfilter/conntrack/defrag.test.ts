/**
 * Fragments in every order, twice, overlapping, missing, with mixed ECN: what left the router of Linux 6.18.44 after each (payload by offset; a
 * reassembled datagram is split as it came) and how the Reasm* counters moved. One datagram a line: [[fragment, [packets out], counters], …].
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Skb } from '../../../src/packet/skb.js';
import { Lab } from './harness.js';

type Step = readonly [fragment: string, out: readonly string[], counters: Record<string, number>];
const datagrams = readFileSync(new URL('recorded/fragments.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((l, i) => [i, JSON.parse(l) as Step[]] as const);
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));

interface Piece {
  readonly offset: number;
  readonly more: boolean;
  readonly tos: number;
  readonly payload: string;
}
const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
const piece = (skb: Skb): Piece => ({ offset: skb.fragOffset, more: skb.mf, tos: skb.tos, payload: hex(skb.payload) });

/** The datagram as its geometry splits it. */
function split(skb: Skb): Piece[] {
  let offset = 0;
  return (skb.fragGeometry ?? [skb.data.length]).map((length) => {
    const payload = skb.payload.subarray(offset, offset + length - skb.nhlen);
    const p = { offset, more: offset + payload.length < skb.payload.length, tos: skb.tos, payload: hex(payload) };
    offset += payload.length;
    return p;
  });
}

describe('reassembly', () => {
  it.each(datagrams)('datagram %i', (_i, steps) => {
    const lab = new Lab();
    for (const [i, [fragment, out, counters]] of steps.entries()) {
      lab.counters.clear();
      const r = lab.ct.defrag(lab.skb(bytes(fragment)), 'PREROUTING');
      expect([i, typeof r === 'string' ? [] : split(r.skb)]).toEqual([i, out.map((p) => piece(lab.skb(bytes(p))))]);
      const moved = [...lab.counters].map(([k, n]) => [k.replace(/^Ip(Ext)?/, ''), n]).sort();
      expect([i, moved]).toEqual([i, Object.entries(counters).sort()]);
    }
  });

  it('keeps users apart and leaves untracked fragments alone', () => {
    const [, steps] = datagrams[0];
    const lab = new Lab();
    const first = lab.skb(bytes(steps[0][0]));
    lab.ct.untrack(first);
    expect(lab.ct.defrag(first, 'PREROUTING')).toEqual({ skb: first });
    expect(lab.ct.defrag(lab.skb(bytes(steps[0][0])), 'PREROUTING')).toBe('STOLEN');
    expect(lab.ct.gather(lab.skb(bytes(steps[0][0])), 'local-deliver')).toBe('STOLEN');
    expect(lab.drops).toEqual([]);
  });

  it('forgets a datagram after 30 seconds', () => {
    const whole = datagrams.find(([, s]) => s.length === 2 && s[1][1].length === 2)?.[1] ?? [];
    expect(whole.length).toBe(2);
    const lab = new Lab();
    lab.ct.defrag(lab.skb(bytes(whole[0][0])), 'PREROUTING');
    lab.time = 30_000;
    expect(lab.ct.defrag(lab.skb(bytes(whole[1][0])), 'PREROUTING')).toBe('STOLEN');
  });
});
