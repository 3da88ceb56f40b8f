/**
 * Scores the iptables reader and printer against ../shared/dumps: what iptables took must print as its .canon, what it refused must be refused.
 *
 *   npx tsx scripts/score-dumps.ts [DIR] [--show NAME]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostic, hasErrors } from '../src/base/diagnostic.js';
import { readIptablesSave, writeIptablesSave } from '../src/formats/iptables-save.js';

const dir = process.argv[2]?.startsWith('--') === false ? process.argv[2] : new URL('../../shared/dumps', import.meta.url).pathname;
const show = process.argv.includes('--show') ? process.argv[process.argv.indexOf('--show') + 1] : undefined;
/** File name and "ok" or "REFUSED" of INDEX.md. */
const index = existsSync(join(dir, 'INDEX.md')) ? readFileSync(join(dir, 'INDEX.md'), 'utf8') : '';
const verdicts = new Map(
  [...index.matchAll(/^\| (\S+\.rules6?) \|.*$/gm)].map((m) => [m[1], m[0].includes('legacy: REFUSED') ? 'refused' : m[0].includes('legacy: ok') ? 'ok' : '?']),
);

let equal = 0;
let refused = 0;
let total = 0;
for (const group of readdirSync(dir, { withFileTypes: true })) {
  if (!group.isDirectory()) continue;
  for (const file of readdirSync(join(dir, group.name))) {
    if (!/\.rules6?$/.test(file)) continue;
    const name = `${group.name}/${file}`;
    const path = join(dir, name);
    const verdict = verdicts.get(name) ?? '?';
    total++;
    const { value, diagnostics } = readIptablesSave(readFileSync(path, 'utf8'), {
      file: name,
      family: file.endsWith('6') ? 'ipv6' : 'ipv4',
      unknown: 'refuse',
    });
    const errors = diagnostics.filter((d) => d.severity === 'error');
    if (show === name) for (const d of errors) console.log(formatDiagnostic(d));
    if (verdict === 'refused') {
      if (hasErrors(diagnostics)) refused++;
      else console.log(`TAKEN, should be refused: ${name}`);
      continue;
    }
    if (errors.length > 0) {
      console.log(`REFUSED, should be taken: ${name}: ${errors.length}: ${formatDiagnostic(errors[0]).split('\n').slice(0, 2).join(' ')}`);
      continue;
    }
    if (!existsSync(`${path}.canon`)) continue;
    const want = readFileSync(`${path}.canon`, 'utf8');
    const got = writeIptablesSave(value);
    if (got === want) equal++;
    else {
      const g = got.split('\n');
      const w = want.split('\n');
      const at = w.findIndex((l, i) => l !== g[i]);
      console.log(`DIFFERS: ${name}:${at + 1}\n   want ${w[at]}\n   got  ${g[at]}`);
    }
  }
}
console.log(`${total} dumps: ${equal} equal, ${refused} refused as they should be`);
