import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Addr, type Family, inPrefix, networkOf } from '../../src/base/addr.js';
import { Lpm, type LpmNode } from '../../src/fib/lpm.js';

const addr4 = fc.oneof(fc.constantFrom(0, 0xffffffff, 0x0a000000, 0x0a0000ff), fc.integer({ min: 0, max: 0xffffffff }));
const addr6 = fc.array(fc.constantFrom(0, 1, 0xfe80, 0xffff, 0x2001), { minLength: 8, maxLength: 8 }).map((u) => String.fromCharCode(...u));

interface Entry {
  readonly addr: Addr;
  readonly len: number;
}

/** All covering prefixes, longest first: what a lookup and its way back must visit. */
function linear(entries: readonly Entry[], a: Addr): string[] {
  const hits = new Map<string, number>();
  for (const e of entries) if (inPrefix(a, networkOf(e.addr, e.len), e.len)) hits.set(`${String(networkOf(e.addr, e.len))}/${e.len}`, e.len);
  return [...hits].sort((x, y) => y[1] - x[1]).map(([k]) => k);
}

function walk(lpm: Lpm<Entry>, a: Addr): string[] {
  const out: string[] = [];
  for (let n: LpmNode<Entry> | null = lpm.find(a); n !== null; n = n.parent) out.push(`${String(n.addr)}/${n.len}`);
  return out;
}

function law(family: Family, addr: fc.Arbitrary<Addr>, bits: number): void {
  const entry = fc.record({ addr, len: fc.integer({ min: 0, max: bits }) });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 120 }), fc.array(addr, { minLength: 1, maxLength: 20 }), (entries, probes) => {
      const lpm = new Lpm(
        family,
        entries.map((e) => ({ ...e, item: e })),
      );
      for (const a of [...probes, ...entries.map((e) => e.addr)]) expect(walk(lpm, a)).toEqual(linear(entries, a));
    }),
    { numRuns: 60, seed: 7 },
  );
}

describe('Lpm', () => {
  it('visits the covering prefixes from the longest on, IPv4', () => law('ipv4', addr4, 32));
  it('visits the covering prefixes from the longest on, IPv6', () => law('ipv6', addr6, 128));

  it('keeps the order of insertion under one prefix', () => {
    const lpm = new Lpm(
      'ipv4',
      [1, 2, 3].map((item) => ({ addr: 0x0a000001, len: 8, item })),
    );
    expect(lpm.find(0x0a010203)?.items).toEqual([1, 2, 3]);
  });
});
