/** Scores iptables' extension tables: npx tsx scripts/score-ext.ts [DIR|FILE…]. Default: libxt_, libipt_ and libip6t_ tables of ../shared. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { scoreExtensionTable } from '../src/formats/ext-table.js';

const args = process.argv.slice(2);
const roots = args.length > 0 ? args : [new URL('../../shared/dumps/iptables-ext-t', import.meta.url).pathname];
const files = roots.flatMap((r) =>
  statSync(r).isDirectory()
    ? readdirSync(r)
        .filter((f) => /^lib(xt|ipt|ip6t)_.*\.t$/.test(f))
        .map((f) => join(r, f))
    : [r],
);
let ok = 0;
let total = 0;
for (const f of files) {
  const s = scoreExtensionTable(readFileSync(f, 'utf8'), f);
  ok += s.ok;
  total += s.ok + s.failed.length;
  for (const x of s.failed) console.log(`${f.split('/').pop()}:${x.line}: ${x.rule}\n   want ${x.wanted}\n   got  ${x.got}`);
}
console.log(`${ok} of ${total} lines alike (${((100 * ok) / total).toFixed(2)} %)`);
