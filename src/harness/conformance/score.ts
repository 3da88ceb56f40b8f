/**
 * The three scores of a case, field by field as kernel-corpus/SCORING.md defines them: no laxer and no stricter. Pure; nothing here knows the engine.
 */
import type { ConntrackEntry, CorpusCase, Delivery, DropEvent, EmittedFrame, ModelCase, ModelStep, Observed, StepRecord, TracePoint } from './corpus.js';
import { frameFields, idKey } from './frame-fields.js';
import { bytesHex, hexBytes } from './hex.js';
import { InjectedFrames, vxlanPortsOf } from './packets.js';

export type Area = 'steps' | 'inconclusive' | 'trace' | 'result' | 'emitted' | 'delivered' | 'drops' | 'conntrack' | 'counters' | 'rule_counters';

/** Where the model first leaves the kernel. `kernel`/`model` are short texts of the two values, null where a side has none. */
export interface Difference {
  /** Number `n` of the step. */
  readonly step: number;
  readonly area: Area;
  /** Place in the list of that area (trace point, frame, …); 0 where the area is no list. */
  readonly index: number;
  /** Field of that element; '' when the element itself is missing or too many. */
  readonly field: string;
  readonly kernel: string | null;
  readonly model: string | null;
  /** What the difference is about, for grouping: trace point, counter, reason; without numbers that vary from case to case. */
  readonly family: string;
}

export interface StepScore {
  readonly n: number;
  readonly trace: boolean;
  readonly outcome: boolean;
  readonly state: boolean;
  readonly inconclusive: string | null;
  /** First difference of every area that differs, in the order of the areas. */
  readonly differences: readonly Difference[];
}

export interface CaseScore {
  readonly id: string;
  readonly category: string;
  readonly traceExact: boolean;
  readonly outcomeExact: boolean;
  readonly stateExact: boolean;
  readonly exact: boolean;
  /** What made it inconclusive first; null when nothing did. */
  readonly inconclusive: string | null;
  readonly firstDifference: Difference | null;
  readonly steps: readonly StepScore[];
}

export function scoreCase(recorded: CorpusCase, model: ModelCase): CaseScore {
  const injected = new InjectedFrames(vxlanPortsOf(recorded.state.link));
  const steps: StepScore[] = [];
  recorded.steps.forEach((rec, i) => {
    if (rec.kind === 'inject') injected.note(hexBytes(rec.frame));
    const mod = model.steps[i];
    steps.push(mod === undefined || mod.n !== rec.n ? missingStep(rec, mod) : scoreStep(recorded, rec, mod, injected));
  });
  const extra = model.steps.slice(recorded.steps.length);
  if (extra.length > 0) steps.push(extraStep(extra[0]));
  const traceExact = steps.every((s) => s.trace);
  const outcomeExact = steps.every((s) => s.outcome);
  const stateExact = steps.every((s) => s.state);
  return {
    id: recorded.id,
    category: recorded.category,
    traceExact,
    outcomeExact,
    stateExact,
    exact: traceExact && outcomeExact && stateExact,
    inconclusive: steps.find((s) => s.inconclusive !== null)?.inconclusive ?? null,
    firstDifference: steps.find((s) => s.differences.length > 0)?.differences[0] ?? null,
    steps,
  };
}

const nothing = (n: number, d: Difference, inconclusive: string | null = null): StepScore => ({
  n,
  trace: false,
  outcome: false,
  state: false,
  inconclusive,
  differences: [d],
});

function missingStep(rec: StepRecord, mod: ModelStep | undefined): StepScore {
  const d: Difference = {
    step: rec.n,
    area: 'steps',
    index: 0,
    field: 'n',
    kernel: String(rec.n),
    model: mod === undefined ? null : String(mod.n),
    family: 'step missing',
  };
  return nothing(rec.n, d);
}

function extraStep(mod: ModelStep): StepScore {
  return nothing(mod.n, { step: mod.n, area: 'steps', index: 0, field: 'n', kernel: null, model: String(mod.n), family: 'step too many' });
}

/** A difference before it knows its step and area. */
interface Local {
  readonly index: number;
  readonly field: string;
  readonly kernel: string | null;
  readonly model: string | null;
  readonly family: string;
}

function scoreStep(c: CorpusCase, rec: StepRecord, mod: ModelStep, injected: InjectedFrames): StepScore {
  if (mod.inconclusive !== undefined || mod.observed === undefined) {
    const what = mod.inconclusive ?? 'no observations';
    return nothing(rec.n, { step: rec.n, area: 'inconclusive', index: 0, field: '', kernel: null, model: what, family: what }, what);
  }
  const k = rec.observed;
  const m = mod.observed;
  const differences: Difference[] = [];
  const check = (area: Area, l: Local | null): boolean => {
    if (l) differences.push({ step: rec.n, area, ...l });
    return l === null;
  };
  const trace = check('trace', diffTrace(c, k, m, injected));
  const result = check('result', diffValue(rec.result ?? null, mod.result ?? null, 0, 'result'));
  const emitted = check('emitted', diffEmitted(k.emitted, m.emitted, injected));
  const delivered = check('delivered', diffDelivered(k.delivered ?? [], m.delivered ?? []));
  const drops = check('drops', diffDrops(k.drops, m.drops));
  const conntrack = check('conntrack', diffConntrack(k.conntrack, m.conntrack));
  const counters = check(
    'counters',
    diffCounters(k.counters, m.counters, (key) => key),
  );
  const rules = check('rule_counters', diffCounters(k.rule_counters, m.rule_counters, pointFamily));
  return { n: rec.n, trace, outcome: result && emitted && delivered && drops, state: conntrack && counters && rules, inconclusive: null, differences };
}

// --- trace ---

const TRACE_FIELDS = [
  'point',
  'family',
  'in',
  'out',
  'physin',
  'physout',
  'src',
  'dst',
  'proto',
  'sport',
  'dport',
  'type',
  'code',
  'flags',
  'ttl',
  'tos',
  'len',
  'df',
  'mf',
  'frag_off',
  'uid',
  'mark',
  'handle',
  'verdict',
  'policy',
] as const satisfies readonly (keyof TracePoint)[];

function diffTrace(c: CorpusCase, k: Observed, m: Observed, injected: InjectedFrames): Local | null {
  const n = Math.max(k.trace.length, m.trace.length);
  for (let i = 0; i < n; i++) {
    const a = k.trace[i];
    const b = m.trace[i];
    if (a === undefined || b === undefined) {
      return { index: i, field: '', kernel: a?.point ?? null, model: b?.point ?? null, family: pointFamily((a ?? b).point) };
    }
    const field = tracePointDifference(c, a, b, injected);
    if (field !== null) {
      const family = field === 'point' ? `${pointFamily(a.point)}, model ${pointFamily(b.point)}` : pointFamily(a.point);
      return { index: i, field, kernel: shown(a[field]), model: shown(b[field]), family };
    }
  }
  return null;
}

function tracePointDifference(c: CorpusCase, a: TracePoint, b: TracePoint, injected: InjectedFrames): keyof TracePoint | null {
  for (const f of TRACE_FIELDS) {
    if (f === 'mark' ? (a.mark ?? 0) !== (b.mark ?? 0) : a[f] !== b[f]) return f;
  }
  if (c.backend === 'nft' && a.pkt !== b.pkt) return 'pkt';
  if (a.id === b.id) return null;
  // In IPv6 the number is the ICMPv6 echo id, which is exact; in IPv4 the identification, which the kernel chooses for its own packets.
  const free = !a.src.includes(':') && a.id !== undefined && b.id !== undefined && !injected.ids.has(idKey(a.id, protocolNumber(a.proto)));
  return free ? null : 'id';
}

/** Names of protocols as the records spell them. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', 58],
  ['sctp', 132],
  ['udplite', 136],
]);
const protocolNumber = (name: string | undefined): number => (name === undefined ? -1 : (PROTOCOLS.get(name) ?? Number(name)));

const BUILTIN_CHAINS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** `filter:KUBE-FW:rule:3` -> `filter:(user):rule`: a trace point or rule counter without what varies from case to case. */
export function pointFamily(point: string): string {
  const parts = point.split(':').filter((p) => !/^\d+$/.test(p));
  const chainAt = parts[0] === 'ip6' ? 2 : 1;
  return parts.map((p, i) => (i === chainAt && !BUILTIN_CHAINS.includes(p) ? '(user)' : p)).join(':');
}

// --- outcome ---

function diffEmitted(k: readonly EmittedFrame[], m: readonly EmittedFrame[], injected: InjectedFrames): Local | null {
  const n = Math.max(k.length, m.length);
  for (let i = 0; i < n; i++) {
    const a = k[i];
    const b = m[i];
    if (a === undefined || b === undefined)
      return {
        index: i,
        field: '',
        kernel: a ? `${a.dev} ${a.frame}` : null,
        model: b ? `${b.dev} ${b.frame}` : null,
        family: a ? 'frame missing' : 'frame too many',
      };
    if (a.dev !== b.dev) return { index: i, field: 'dev', kernel: a.dev, model: b.dev, family: 'dev' };
    const d = diffFrame(hexBytes(a.frame), hexBytes(b.frame), injected);
    if (d) return { index: i, family: 'frame', ...d };
  }
  return null;
}

/** First field in which two frames differ apart from what the kernel chose freely; null when they agree. Values are hexadecimal. */
function diffFrame(k: Uint8Array, m: Uint8Array, injected: InjectedFrames): { readonly field: string; readonly kernel: string; readonly model: string } | null {
  for (const f of frameFields(k, injected)) {
    for (let i = f.from; i < f.to; i++) {
      if (i < m.length ? ((k[i] ^ m[i]) & f.mask) !== 0 : true)
        return { field: f.name, kernel: clip(bytesHex(k.subarray(f.from, f.to))), model: clip(bytesHex(m.subarray(f.from, f.to))) };
    }
  }
  return k.length === m.length ? null : { field: 'frame length', kernel: String(k.length), model: String(m.length) };
}

function diffDelivered(k: readonly Delivery[], m: readonly Delivery[]): Local | null {
  const n = Math.max(k.length, m.length);
  for (let i = 0; i < n; i++) {
    const a = k[i];
    const b = m[i];
    if (a === undefined || b === undefined)
      return { index: i, field: '', kernel: shown(a), model: shown(b), family: `${(a ?? b).event} ${a ? 'missing' : 'too many'}` };
    const d = diffValue(a, b, i, a.event);
    if (d) return d;
  }
  return null;
}

function diffDrops(k: readonly DropEvent[], m: readonly DropEvent[]): Local | null {
  const left = countOf(k.map((d) => d.reason));
  const tooMany = m.findIndex((d) => !take(left, d.reason));
  const missing = k.findIndex((d) => (left.get(d.reason) ?? 0) > 0);
  if (missing < 0 && tooMany < 0) return null;
  const a = missing < 0 ? null : k[missing].reason;
  const b = tooMany < 0 ? null : m[tooMany].reason;
  return { index: missing < 0 ? tooMany : missing, field: 'reason', kernel: a, model: b, family: `${a ?? '-'}, model ${b ?? '-'}` };
}

// --- state ---

const ctKey = (e: ConntrackEntry): string =>
  canonical({ l3: e.l3, proto: e.proto, state: e.state, mark: e.mark, zone: e.zone, flags: [...new Set(e.flags ?? [])].sort(), orig: e.orig, reply: e.reply });

function diffConntrack(k: readonly ConntrackEntry[], m: readonly ConntrackEntry[]): Local | null {
  const left = countOf(k.map(ctKey));
  const extra = m.filter((e) => !take(left, ctKey(e)));
  const missing = k.findIndex((e) => (left.get(ctKey(e)) ?? 0) > 0);
  if (missing < 0 && extra.length === 0) return null;
  if (missing < 0) return { index: k.length, field: '', kernel: null, model: shown(extra[0]), family: 'entry too many' };
  const a = k[missing];
  const b = extra.find((e) => canonical(e.orig) === canonical(a.orig) && e.proto === a.proto);
  if (!b) return { index: missing, field: '', kernel: shown(a), model: extra[0] ? shown(extra[0]) : null, family: 'entry missing' };
  for (const f of ['l3', 'state', 'flags', 'mark', 'zone', 'reply'] as const) {
    const pick = (e: ConntrackEntry): string => canonical(f === 'flags' ? [...new Set(e.flags ?? [])].sort() : e[f]);
    if (pick(a) !== pick(b)) return { index: missing, field: f, kernel: shown(a[f]), model: shown(b[f]), family: a.proto };
  }
  return { index: missing, field: '', kernel: shown(a), model: shown(b), family: 'entry missing' };
}

function diffCounters(k: Readonly<Record<string, number>>, m: Readonly<Record<string, number>>, family: (key: string) => string): Local | null {
  const a = new Map(Object.entries(k));
  const b = new Map(Object.entries(m));
  for (const key of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [x, y] = [a.get(key) ?? 0, b.get(key) ?? 0];
    if (x !== y) return { index: 0, field: key, kernel: String(x), model: String(y), family: family(key) };
  }
  return null;
}

// --- values ---

/** JSON with sorted keys; what is undefined is absent. */
export function canonical(v: unknown): string {
  if (Array.isArray(v)) return `[${v.map(canonical).join(',')}]`;
  if (v !== null && typeof v === 'object') {
    const entries = Object.entries(v).filter(([, x]) => x !== undefined);
    return `{${entries
      .sort(([p], [q]) => (p < q ? -1 : 1))
      .map(([p, x]) => `${JSON.stringify(p)}:${canonical(x)}`)
      .join(',')}}`;
  }
  return v === undefined ? 'null' : JSON.stringify(v);
}

/** First field in which two plain objects differ, deeply compared. */
function diffValue(k: object | null, m: object | null, index: number, family: string): Local | null {
  if (k === null || m === null) return k === m ? null : { index, field: '', kernel: shown(k), model: shown(m), family };
  const a = new Map(Object.entries(k));
  const b = new Map(Object.entries(m));
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const absent = (x: unknown): string => (x === undefined ? '' : canonical(x));
    if (absent(a.get(key)) !== absent(b.get(key)))
      return { index, field: key, kernel: shown(a.get(key)), model: shown(b.get(key)), family: `${family}.${key}` };
  }
  return null;
}

function countOf(keys: readonly string[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const k of keys) out.set(k, (out.get(k) ?? 0) + 1);
  return out;
}

/** Takes one of a multiset; false when none is left. */
function take(left: Map<string, number>, key: string): boolean {
  const n = left.get(key) ?? 0;
  if (n > 0) left.set(key, n - 1);
  return n > 0;
}

const clip = (s: string): string => (s.length > 200 ? `${s.slice(0, 200)}…` : s);

function shown(v: unknown): string | null {
  if (v === undefined || v === null) return null;
  return clip(typeof v === 'string' ? v : canonical(v));
}
