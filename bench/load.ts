/** A process of its own that loads one dump and is ready to trace: `load.mjs rules|ipset FILE`. Prints heap bytes beyond the text, and the time of a membership test. */
import { parseIp4 } from '../src/base/addr.js';
import { readText } from '../src/cli/read-text.js';
import { readIpsetSave } from '../src/formats/ipset-save.js';
import { readIptablesSave } from '../src/formats/iptables-save.js';
import type { IpSet } from '../src/netfilter/ipset/model.js';
import { SetStore } from '../src/netfilter/ipset/store.js';
import type { PacketCtx } from '../src/netfilter/pred.js';
import { compileTable } from '../src/netfilter/xtables/compile.js';
import { walkTable } from '../src/netfilter/xtables/walk.js';
import { Skb } from '../src/packet/skb.js';
import { NO_RECORDER } from '../src/trace/event.js';
import { synFrame } from './frame.js';

const [kind, file, weigh] = process.argv.slice(2);
const collect = (): number => {
  // What typed arrays held (a part of `external`), and what weak tables let go of, is given back behind the first.
  for (let i = 0; i < 4; i++) global.gc?.();
  const m = process.memoryUsage();
  return m.heapUsed + m.external;
};

const before = weigh ? collect() : 0;
const kept = kind === 'rules' ? rules() : sets();
void kept;

/** Ready to trace: read, checked, and the walker at hand. Chains compile when the first packet comes to them. */
function rules(): unknown {
  const text = readText(file);
  const { value, diagnostics } = readIptablesSave(text, { file, family: 'ipv4' });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  const tables = value.tables.map((t) => compileTable(t, 'ipv4'));
  if (!weigh) return { tables, walkTable };
  // Not those of `tables`: asking for a chain there makes it.
  const count = value.tables.flatMap((t) => t.chains).reduce((n, c) => n + c.rules.length, 0);
  const bytes = (collect() - before - text.length) / count;
  for (const t of tables) for (const c of t.chains) [c.first, c.index];
  console.log(JSON.stringify({ bytes, compiled: (collect() - before - text.length) / count, rules: count }));
  return tables;
}

function readSets(): readonly IpSet[] {
  const { value, diagnostics } = readIpsetSave(readText(file), { file });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  return value;
}
function sets(): unknown {
  const value = readSets();
  if (!weigh) return value;
  const bytes = (collect() - before) / value.reduce((n, s) => n + s.members.size, 0);
  console.log(JSON.stringify({ bytes, member: membership(value[0]) }));
  return value;
}

/** ns of CPU time of a set match: the packet at hand comes from ever other random sources, half of them members. */
function membership(set: IpSet): number {
  const store = new SetStore([set], () => 0);
  const N = 100000;
  const data = synFrame(0x64000000, 0x0a000001, 1, 80).slice(14);
  const sources = Uint32Array.from({ length: N }, (_, i) => 0x64000000 + ((Math.imul(i, 0x9e3779b1) >>> 0) % 0x1000000));
  const step = Math.ceil((2 * set.members.size) / N);
  let n = 0;
  for (const member of set.members.text()) {
    if (n % step === 0) sources[(2 * n) / step] = parseIp4(member) ?? 0;
    n++;
  }
  const env = { rec: NO_RECORDER, node: 'n', now: () => 0 } as unknown as PacketCtx['env'];
  const skb = new Skb(1, { kind: 'injected', of: null }, data, 0x800);
  const c: PacketCtx = { skb, family: 'ipv4', hook: 'PREROUTING', in: null, out: null, env, rule: null, hotdrop: false };
  const o = { dirs: [true], returnNomatch: false, updateCounters: false, updateSubcounters: false };
  const view = new DataView(data.buffer, data.byteOffset);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round++) {
    const from = process.cpuUsage();
    let hits = 0;
    for (let i = 0; i < N; i++) {
      view.setUint32(12, sources[i]);
      if (store.test('perf', c, o).hit) hits++;
    }
    const used = process.cpuUsage(from);
    if (hits === 0 || hits === N) throw new Error(`${hits} of ${N} are members`);
    best = Math.min(best, ((used.user + used.system) * 1000) / N);
  }
  return best;
}
