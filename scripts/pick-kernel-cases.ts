/**
 * Makes the repo-local corpus: `npx tsx scripts/pick-kernel-cases.ts FOLDER [OUT]` picks about 40 small cases of every category of a kernel corpus, so that
 * together they show as many different things as possible, and writes OUT/<category>.jsonl.gz (default test/kernel). The same input gives the same files.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { CorpusCase } from '../src/harness/conformance/corpus.js';
import { type CorpusLine, corpusLines, parseCase } from '../src/harness/conformance/corpus-read.js';
import { hexBytes } from '../src/harness/conformance/hex.js';
import { packetsIn, vxlanPortsOf } from '../src/harness/conformance/packets.js';
import { pointFamily } from '../src/harness/conformance/score.js';

const PER_CATEGORY = 40;
/** Bytes of JSON above which a case is not considered. */
const MAX_BYTES = 100_000;

interface Candidate {
  readonly line: CorpusLine;
  readonly id: string;
  readonly features: ReadonlySet<string>;
}

/** What a case shows: its style, the options of its rules, and what the kernel did with its packets. */
function featuresOf(c: CorpusCase): Set<string> {
  const out = new Set<string>([`scenario ${c.scenario}`, ...c.tags.map((t) => `tag ${t}`)]);
  for (const text of [c.state.iptables_save, c.state.ip6tables_save ?? '', c.state.ebtables_save ?? '']) {
    for (const m of text.matchAll(/ (-[mjg] \S+|--\S+)/g)) out.add(`rule ${m[1]}`);
  }
  const tunnels = vxlanPortsOf(c.state.link);
  for (const l of c.state.link as readonly { linkinfo?: { info_kind?: string } }[]) out.add(`link ${l.linkinfo?.info_kind ?? ''}`);
  for (const m of (c.state.ipset_save ?? '').matchAll(/^create \S+ (\S+)/gm)) out.add(`set ${m[1]}`);
  for (const s of c.steps) {
    out.add(`step ${s.kind} ${s.kind === 'local' ? s.proto : ''} ${s.result?.error ?? ''}`);
    for (const e of s.observed.emitted) for (const p of packetsIn(hexBytes(e.frame), tunnels)) out.add(`emitted ${p.where} ${p.proto}`);
    if (s.note !== undefined) out.add(`note ${s.note}`);
    for (const t of s.observed.trace) out.add(`point ${pointFamily(t.point)} ${t.proto ?? ''}`);
    for (const d of s.observed.drops) out.add(`drop ${d.reason}`);
    for (const key of Object.keys(s.observed.counters)) out.add(`counter ${key}`);
    for (const d of s.observed.delivered ?? []) out.add(`delivered ${d.event} ${d.error ?? ''} ${d.socket.slice(0, 3)}`);
    for (const e of s.observed.conntrack) out.add(`conntrack ${e.proto} ${e.state ?? ''} ${(e.flags ?? []).join(',')}`);
  }
  return out;
}

/** Takes again and again the case that shows most that was not seen yet for its size. */
function pick(candidates: readonly Candidate[], count: number): Candidate[] {
  const left = [...candidates];
  const seen = new Map<string, number>();
  const picked: Candidate[] = [];
  while (picked.length < count && left.length > 0) {
    const value = (c: Candidate): number => {
      let v = 0;
      for (const f of c.features) v += 1 / (1 + 3 * (seen.get(f) ?? 0));
      return v / Math.sqrt(c.line.text.length);
    };
    const best = left.reduce((a, b) => (value(b) > value(a) ? b : a));
    left.splice(left.indexOf(best), 1);
    for (const f of best.features) seen.set(f, (seen.get(f) ?? 0) + 1);
    picked.push(best);
  }
  return picked.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function readCandidates(path: string): Candidate[] {
  const out: Candidate[] = [];
  for (const line of corpusLines(gunzipSync(readFileSync(path)).toString('utf8'))) {
    if (line.text.length > MAX_BYTES) continue;
    const c = parseCase(line, path).value;
    if (c) out.push({ line, id: c.id, features: featuresOf(c) });
  }
  return out;
}

const [from, to = 'test/kernel'] = process.argv.slice(2);
if (from === undefined) throw new Error('usage: pick-kernel-cases.ts FOLDER [OUT]');
mkdirSync(to, { recursive: true });
let bytes = 0;
for (const file of readdirSync(from).sort()) {
  if (!file.endsWith('.jsonl.gz')) continue;
  const cases = pick(readCandidates(join(from, file)), PER_CATEGORY);
  const gz = gzipSync(cases.map((c) => `${c.line.text}\n`).join(''), { level: 9 });
  writeFileSync(join(to, file), gz);
  bytes += gz.length;
  console.log(`${file}: ${cases.length} cases, ${gz.length} bytes`);
}
console.log(`${bytes} bytes`);
