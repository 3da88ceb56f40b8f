/**
 * Replays the route lookups that the kernel corpus recorded (`observed.fib`: fib_table_lookup and fib6_table_lookup events) against the compiled tables.
 * Usage: npx tsx scripts/check-fib.ts FILE.jsonl[.gz]... ; prints agreement per file and the first differences.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { newTally, replayCase } from './fib-replay.js';

for (const file of process.argv.slice(2)) {
  const t = newTally();
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  for (const line of text.split('\n')) if (line !== '') replayCase(JSON.parse(line), t);
  for (const d of t.differences.slice(0, 5)) console.log(d);
  const all = t.same + t.differences.length;
  console.log(`${file}: ${t.same} agree, ${t.differences.length} differ (${((100 * t.same) / Math.max(1, all)).toFixed(3)} %)`);
}
