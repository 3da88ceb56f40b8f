/** WordSet and WordTable against the collections of the language, words that collide and the word 0 included. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY_EXT } from '../../../src/netfilter/ipset/ext.js';
import { WordTable } from '../../../src/netfilter/ipset/table.js';
import { mix, WordSet } from '../../../src/netfilter/ipset/word-set.js';

/** Words that begin their search at the end of a table of 16 slots, so that they meet and go round. */
const crowded = Array.from({ length: 4000 }, (_, i) => i).filter((w) => (mix(w) & 15) >= 13);
const word = fc.oneof(fc.constant(0), fc.constantFrom(...crowded.slice(0, 40)), fc.nat(60), fc.constantFrom(0xffffffff, 0x80000000));
const ops = fc.array(fc.tuple(fc.constantFrom('add', 'add', 'delete', 'fit'), word), { maxLength: 120 });

describe('laws', () => {
  test('WordSet is a Set', () => {
    fc.assert(
      fc.property(ops, (list) => {
        const ours = new WordSet(2);
        const theirs = new Set<number>();
        for (const [op, w] of list) {
          if (op === 'add') {
            expect(ours.add(w)).toBe(!theirs.has(w));
            theirs.add(w);
          } else if (op === 'delete') {
            ours.delete(w);
            theirs.delete(w);
          } else ours.fit(theirs.size);
          for (const [, x] of list) expect(ours.has(x)).toBe(theirs.has(x));
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([1, 2, 3])('WordTable with keys of %i words is a Map in insertion order', (width) => {
    const keyOf = (w: number): number[] => Array.from({ length: width }, (_, i) => (i === 0 ? w : w & 3));
    fc.assert(
      fc.property(ops, fc.boolean(), (list, asks) => {
        const table = new WordTable(width);
        const rows = new Map<number, number>();
        for (const [op, w] of list) {
          const row = rows.get(w);
          if (op === 'add') {
            expect(table.insertNew(keyOf(w), EMPTY_EXT)).toBe(row === undefined);
            if (row === undefined) rows.set(w, [...table.live()].at(-1) as number);
          } else if (op === 'delete' && row !== undefined) {
            table.remove(row);
            rows.delete(w);
          } else if (op === 'fit') table.reserve(w % 50);
          if (asks) expect(table.find(keyOf(w))).toBe(rows.get(w) ?? -1);
          expect(table.size).toBe(rows.size);
        }
        const t = table.trimmed();
        expect([...t.live()].map((r) => t.rows[r * width])).toEqual([...rows.keys()]);
        for (const [, w] of list) expect(t.find(keyOf(w)) >= 0).toBe(rows.has(w));
      }),
      { numRuns: 150 },
    );
  });
});
