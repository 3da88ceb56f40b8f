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
    for (const line of gunzipSync(readFileSync(folder + f))
      .toString('utf8')
      .split('\n'))
      if (line !== '') replayCase(JSON.parse(line), tally);
    expect(tally.differences).toEqual([]);
    expect(tally.same).toBeGreaterThan(0);
  });
});
