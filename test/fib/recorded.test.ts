/** Every route lookup that a real kernel made in the recorded cases, against the compiled tables. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { newTally, replayCase } from '../../scripts/fib-replay.js';

const folder = new URL('../kernel/', import.meta.url).pathname;
const files = readdirSync(folder).filter((f) => f.endsWith('.jsonl.gz'));

describe('fib_table_lookup and fib6_table_lookup events', () => {
  it('there are recorded cases', () => expect(files.length).toBeGreaterThan(0));
  it.each(files)('%s', (f) => {
    const tally = newTally();
    const cases = gunzipSync(readFileSync(folder + f))
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    for (const c of cases) replayCase(c, tally);
    // Lookups are not among what the lab records.
    const recorded = cases.some((c) => c.steps.some((s: { observed: { fib?: unknown[] } }) => (s.observed.fib?.length ?? 0) > 0));
    expect(tally.differences).toEqual([]);
    expect(tally.same > 0).toBe(recorded);
  });
});
