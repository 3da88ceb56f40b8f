/** A process of its own that loads one dump and is ready to trace: `load.mjs rules|ipset FILE`. Prints heap bytes beyond the text, and the time of a membership test. */
import { readFileSync } from 'node:fs';
import { readIpsetSave } from '../src/formats/ipset-save.js';
import { readIptablesSave } from '../src/formats/iptables-save.js';
import type { IpSet } from '../src/netfilter/ipset/model.js';
import { SetStore } from '../src/netfilter/ipset/store.js';
import type { PacketCtx } from '../src/netfilter/pred.js';
import { compileTable } from '../src/netfilter/xtables/compile.js';
import { Skb } from '../src/packet/skb.js';
import { NO_RECORDER } from '../src/trace/event.js';
import { synFrame } from './router.js';

const [kind, file, weigh] = process.argv.slice(2);
const collect = (): number => {
  // Twice: what typed arrays held is given back behind the first.
  global.gc?.();
  global.gc?.();
  const m = process.memoryUsage();
  return m.heapUsed + m.arrayBuffers;
};

const before = weigh ? collect() : 0;
const kept = kind === 'rules' ? rules() : sets();
void kept;

/** Ready to trace: a packet may come. Chains compile when the first packet comes to them. */
function rules(): unknown {
  const text = readFileSync(file, 'utf8');
  const { value, diagnostics } = readIptablesSave(text, { file, family: 'ipv4' });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  const tables = value.tables.map((t) => compileTable(t, 'ipv4'));
  if (!weigh) return tables;
  let count = 0;
  for (const t of tables) for (const c of t.chains) count += c.length;
  const bytes = (collect() - before - text.length) / count;
  for (const t of tables) for (const c of t.chains) [c.rules, c.index];
  console.log(JSON.stringify({ bytes, compiled: (collect() - before - text.length) / count, rules: count }));
  return tables;
}

function readSets(): readonly IpSet[] {
  const { value, diagnostics } = readIpsetSave(readFileSync(file, 'utf8'), { file });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  return value;
}
function sets(): unknown {
  const value = readSets();
  if (!weigh) return value;
  const bytes = (collect() - before) / value.reduce((n, s) => n + s.members.size, 0);
  console.log(JSON.stringify({ bytes, member: membership(new SetStore(value, () => 0)) }));
  return value;
}

/** ns of a set match on packets from random sources, half of them members; what the packet itself costs is taken off. */
function membership(store: SetStore): number {
  const packets = Array.from({ length: 20000 }, (_, i) => synFrame(0x64000000 + ((Math.imul(i, 0x9e3779b1) >>> 0) % 0x1000000), 0x0a000001, 1, 80).slice(14));
  const contexts = packets.map((data, i): PacketCtx => {
    const env = { rec: NO_RECORDER, node: 'n', now: () => 0 } as unknown as PacketCtx['env'];
    return {
      skb: new Skb(i, { kind: 'injected', of: null }, data, 0x800),
      family: 'ipv4',
      hook: 'PREROUTING',
      in: null,
      out: null,
      env,
      rule: null,
      hotdrop: false,
    };
  });
  const o = { dirs: [true], returnNomatch: false, updateCounters: false, updateSubcounters: false };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round++) {
    const t = process.hrtime.bigint();
    let hits = 0;
    for (const c of contexts) if (store.test('perf', c, o).hit) hits++;
    if (hits < 0) throw new Error();
    best = Math.min(best, Number(process.hrtime.bigint() - t) / contexts.length);
  }
  return best;
}
