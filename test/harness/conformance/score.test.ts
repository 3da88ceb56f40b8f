import { describe, expect, it } from 'vitest';
import { type CorpusCase, type ModelCase, type Observed, recordedModel } from '../../../src/harness/conformance/corpus.js';
import { scoreCase } from '../../../src/harness/conformance/score.js';
import { localCorpus, readCase } from '../../kernel/corpus-files.js';

/** It was spoilt: for changes that stand in an expression. */
const done = (_change: unknown): true => true;

const all = localCorpus().flatMap((f) => f.lines.map((l) => ({ file: f, line: l })));

describe('a record scored against itself', () => {
  for (const f of localCorpus()) {
    it(`is exact in every case of ${f.category}`, () => {
      for (const l of f.lines) {
        const c = readCase(f, l);
        const s = scoreCase(c, recordedModel(c));
        expect(s.firstDifference, c.id).toBeNull();
        expect([s.traceExact, s.outcomeExact, s.stateExact, s.exact, s.inconclusive]).toEqual([true, true, true, true, null]);
      }
    });
  }
});

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
type Model = Mutable<ModelCase>;
type Obs = Mutable<Observed>;

/** The record as a model that may be spoilt: a deep copy. */
const modelOf = (c: CorpusCase): Model => structuredClone(recordedModel(c)) as Model;

interface Spoiler {
  readonly name: string;
  /** Which scores must notice; none = the change must not be noticed. */
  readonly spoils: readonly ('trace' | 'outcome' | 'state')[];
  /** Changes one thing; false where this case has nothing of the kind. */
  readonly apply: (c: CorpusCase, m: Model) => boolean;
}

/** Applies `f` to the first step whose observations take the change. */
const inStep =
  (f: (o: Obs, c: CorpusCase, i: number) => boolean) =>
  (c: CorpusCase, m: Model): boolean =>
    m.steps.some((s, i) => s.observed !== undefined && f(s.observed as Obs, c, i));
const flip = (hex: string, byte: number, mask = 0xff): string => {
  const v = Number.parseInt(hex.slice(2 * byte, 2 * byte + 2), 16) ^ mask;
  return hex.slice(0, 2 * byte) + v.toString(16).padStart(2, '0') + hex.slice(2 * byte + 2);
};
const byteAt = (hex: string, at: number): number => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
const isIp4 = (frame: string, proto: number): boolean =>
  frame.slice(24, 28) === '0800' && byteAt(frame, 23) === proto && (byteAt(frame, 20) & 0x1f) === 0 && byteAt(frame, 14) === 0x45;

/** Changes byte `at` of the first emitted frame that fits. */
const inFrame = (fits: (frame: string, c: CorpusCase, i: number) => boolean, at: number, mask = 0xff) =>
  inStep((o, c, i) => {
    const e = o.emitted.find((x) => fits(x.frame, c, i) && x.frame.length > 2 * at);
    if (!e) return false;
    e.frame = flip(e.frame, at, mask);
    return true;
  });

const inTrace = (field: string, value: (old: unknown, c: CorpusCase) => unknown) =>
  inStep((o, c) => {
    const t = o.trace.find((x) => Object.hasOwn(x, field) && value((x as unknown as Record<string, unknown>)[field], c) !== undefined);
    if (!t) return false;
    (t as unknown as Record<string, unknown>)[field] = value((t as unknown as Record<string, unknown>)[field], c);
    return true;
  });
const otherText = (v: unknown): unknown => `${String(v)}x`;
const otherNumber = (v: unknown): unknown => Number(v) + 1;

const injectedFrames = (c: CorpusCase, upTo: number): string[] => c.steps.slice(0, upTo + 1).flatMap((s) => (s.kind === 'inject' ? [s.frame] : []));
/** Identification and protocol of an emitted IPv4 frame stand in an injected one, inner packets included. */
const knownId = (frame: string, c: CorpusCase, i: number): boolean => {
  const id = frame.slice(36, 40);
  return injectedFrames(c, i).some((f) => f.slice(24, 28) === '0800' && f.slice(36, 40) === id && f.slice(46, 48) === frame.slice(46, 48));
};
const noVxlan = (c: CorpusCase): boolean => !JSON.stringify(c.state.link).includes('vxlan');

const isVxlan = (f: string, c: CorpusCase): boolean =>
  isIp4(f, 17) && !noVxlan(c) && [4789, 8472].includes(byteAt(f, 36) * 256 + byteAt(f, 37)) && f.slice(124, 128) === '0800';
const isTimestampReply = (f: string): boolean => isIp4(f, 1) && byteAt(f, 34) === 14;

const traceFields: Spoiler[] = [
  ...['point', 'in', 'out', 'physin', 'physout', 'src', 'dst', 'proto', 'flags', 'verdict', 'policy'].map((f) => ({
    name: `trace ${f}`,
    spoils: ['trace'] as const,
    apply: inTrace(f, otherText),
  })),
  ...['sport', 'dport', 'type', 'code', 'ttl', 'tos', 'len', 'uid', 'mark', 'handle'].map((f) => ({
    name: `trace ${f}`,
    spoils: ['trace'] as const,
    apply: inTrace(f, otherNumber),
  })),
  { name: 'trace df', spoils: ['trace'], apply: inTrace('df', () => false) },
  { name: 'trace pkt (nft)', spoils: ['trace'], apply: inTrace('pkt', (v, c) => (c.backend === 'nft' ? Number(v) + 1 : undefined)) },
  { name: 'trace pkt (legacy)', spoils: [], apply: inTrace('pkt', (v, c) => (c.backend === 'legacy' ? Number(v) + 1 : undefined)) },
  { name: 'trace id, IPv6', spoils: ['trace'], apply: inTrace('id', (v, c) => (c.family === 'ipv6' ? Number(v) + 1 : undefined)) },
  {
    name: 'trace id of a forwarded packet',
    spoils: ['trace'],
    apply: inStep((o, c, i) => {
      const s = c.steps[i];
      const t = o.trace[0];
      if (c.family !== 'ipv4' || s.kind !== 'inject' || !t || t.proto !== 'udp' || s.frame.slice(36, 40) !== (t.id ?? 0).toString(16).padStart(4, '0'))
        return false;
      t.id = (t.id as number) ^ 1;
      return true;
    }),
  },
  {
    name: 'trace id of a local packet',
    spoils: [],
    apply: inStep((o, c, i) => {
      if (c.family !== 'ipv4' || i !== 0 || c.steps[0].kind !== 'local' || !o.trace[0]) return false;
      o.trace[0].id = (o.trace[0].id as number) ^ 1;
      return true;
    }),
  },
  { name: 'trace mark 0 left out', spoils: [], apply: inStep((o) => o.trace.some((t) => t.mark === 0 && delete t.mark)) },
  { name: 'trace sport left out', spoils: ['trace'], apply: inStep((o) => o.trace.some((t) => t.sport !== undefined && delete t.sport)) },
  { name: 'trace point missing', spoils: ['trace'], apply: inStep((o) => o.trace.pop() !== undefined) },
  { name: 'trace point twice', spoils: ['trace'], apply: inStep((o) => o.trace.length > 0 && o.trace.push(o.trace[0]) > 0) },
  {
    name: 'trace order',
    spoils: ['trace'],
    apply: inStep((o) => {
      if (o.trace.length < 2 || o.trace[0].point === o.trace[1].point) return false;
      [o.trace[0], o.trace[1]] = [o.trace[1], o.trace[0]];
      return true;
    }),
  },
];

const outcomeFields: Spoiler[] = [
  { name: 'emitted dev', spoils: ['outcome'], apply: inStep((o) => o.emitted.length > 0 && done((o.emitted[0].dev += 'x'))) },
  { name: 'emitted frame missing', spoils: ['outcome'], apply: inStep((o) => o.emitted.pop() !== undefined) },
  {
    name: 'emitted order',
    spoils: ['outcome'],
    apply: inStep((o) => {
      if (o.emitted.length < 2 || o.emitted[0].dev === o.emitted[1].dev) return false;
      o.emitted.reverse();
      return true;
    }),
  },
  { name: 'frame one byte longer', spoils: ['outcome'], apply: inStep((o) => o.emitted.length > 0 && done((o.emitted[0].frame += '00'))) },
  { name: 'frame cut', spoils: ['outcome'], apply: inStep((o) => o.emitted.length > 0 && done((o.emitted[0].frame = o.emitted[0].frame.slice(0, -2)))) },
  ...[
    ['destination MAC', 5],
    ['source MAC', 11],
  ].map(([name, at]) => ({ name: `frame ${name}`, spoils: ['outcome'] as const, apply: inFrame(() => true, at as number) })),
  ...(
    [
      ['TOS', 15],
      ['length', 17],
      ['DF', 20, 0x40],
      ['TTL', 22],
      ['source', 29],
      ['destination', 33],
    ] as const
  ).map(([name, at, mask]) => ({ name: `frame IPv4 ${name}`, spoils: ['outcome'] as const, apply: inFrame((f) => isIp4(f, 17), at, mask) })),
  { name: 'frame IPv4 checksum', spoils: [], apply: inFrame((f) => isIp4(f, 17), 24) },
  { name: 'frame UDP checksum', spoils: [], apply: inFrame((f) => isIp4(f, 17), 40) },
  { name: 'frame TCP checksum', spoils: [], apply: inFrame((f) => isIp4(f, 6), 50) },
  { name: 'frame ICMP checksum', spoils: [], apply: inFrame((f) => isIp4(f, 1), 36) },
  { name: 'frame SCTP checksum', spoils: [], apply: inFrame((f) => isIp4(f, 132), 42) },
  { name: 'frame IPv4 id, forwarded', spoils: ['outcome'], apply: inFrame((f, c, i) => isIp4(f, 17) && noVxlan(c) && knownId(f, c, i), 19) },
  { name: 'frame IPv4 id, own', spoils: [], apply: inFrame((f, c, i) => f.slice(24, 28) === '0800' && noVxlan(c) && !knownId(f, c, i), 19) },
  { name: 'frame UDP port', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 17), 35) },
  { name: 'frame UDP data', spoils: ['outcome'], apply: inFrame((f, c) => isIp4(f, 17) && noVxlan(c), 42) },
  { name: 'frame TCP ack', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 6), 42) },
  { name: 'frame TCP window', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 6), 48) },
  { name: 'frame TCP urgent', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 6), 52) },
  { name: 'frame TCP flags', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 6), 47, 0x08) },
  { name: 'frame TCP seq without SYN', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 6) && (byteAt(f, 47) & 2) === 0, 38) },
  {
    name: 'frame TCP seq of an injected SYN',
    spoils: ['outcome'],
    apply: inFrame(
      (f, c, i) =>
        isIp4(f, 6) &&
        (byteAt(f, 47) & 2) !== 0 &&
        injectedFrames(c, i).some((g) => isIp4(g, 6) && (byteAt(g, 47) & 2) !== 0 && g.slice(76, 84) === f.slice(76, 84)),
      38,
    ),
  },
  {
    name: "frame TCP seq of the node's SYN",
    spoils: [],
    apply: inFrame((f, c, i) => isIp4(f, 6) && (byteAt(f, 47) & 2) !== 0 && injectedFrames(c, i).every((g) => !g.includes(f.slice(76, 84))), 38),
  },
  { name: 'frame ICMP type', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 1), 34) },
  { name: 'frame ICMP rest', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 1), 39) },
  { name: 'quoted IPv4 checksum', spoils: [], apply: inFrame((f) => isIp4(f, 1) && byteAt(f, 34) === 3, 52) },
  { name: 'quoted TTL', spoils: ['outcome'], apply: inFrame((f) => isIp4(f, 1) && byteAt(f, 34) === 3, 50) },
  { name: 'quoted UDP checksum', spoils: [], apply: inFrame((f) => isIp4(f, 1) && byteAt(f, 34) === 3 && byteAt(f, 51) === 17 && byteAt(f, 42) === 0x45, 68) },
  { name: 'VXLAN header', spoils: ['outcome'], apply: inFrame(isVxlan, 48) },
  { name: 'VXLAN outer source port', spoils: ['outcome'], apply: inFrame(isVxlan, 35) },
  { name: 'VXLAN inner MAC', spoils: ['outcome'], apply: inFrame(isVxlan, 55) },
  { name: 'VXLAN inner TTL', spoils: ['outcome'], apply: inFrame(isVxlan, 72) },
  { name: 'VXLAN inner checksum', spoils: [], apply: inFrame(isVxlan, 74) },
  { name: 'ICMP timestamp reply: originate', spoils: ['outcome'], apply: inFrame(isTimestampReply, 45) },
  { name: 'ICMP timestamp reply: receive', spoils: [], apply: inFrame(isTimestampReply, 49) },
  { name: 'ICMP timestamp reply: transmit', spoils: [], apply: inFrame(isTimestampReply, 53) },
  { name: 'ARP', spoils: ['outcome'], apply: inFrame((f) => f.slice(24, 28) === '0806', 41) },
  { name: 'IPv6 traffic class, low bits', spoils: ['outcome'], apply: inFrame((f) => f.slice(24, 28) === '86dd', 15, 0x10) },
  { name: 'IPv6 hop limit', spoils: ['outcome'], apply: inFrame((f) => f.slice(24, 28) === '86dd', 21) },
  { name: 'IPv6 flow label 0', spoils: ['outcome'], apply: inFrame((f) => f.slice(24, 28) === '86dd' && f.slice(31, 36) === '00000', 17) },
  {
    name: 'IPv6 flow label of the node',
    spoils: [],
    apply: inFrame(
      (f, c, i) => f.slice(24, 28) === '86dd' && f.slice(31, 36) !== '00000' && injectedFrames(c, i).every((g) => !g.includes(f.slice(31, 36))),
      17,
    ),
  },
  { name: 'delivered missing', spoils: ['outcome'], apply: inStep((o) => o.delivered?.pop() !== undefined) },
  { name: 'delivered data', spoils: ['outcome'], apply: inStep((o) => o.delivered?.some((d) => d.data !== undefined && done((d.data += '00'))) ?? false) },
  { name: 'delivered from', spoils: ['outcome'], apply: inStep((o) => o.delivered?.some((d) => d.from !== undefined && done((d.from[1] = 1))) ?? false) },
  { name: 'delivered error', spoils: ['outcome'], apply: inStep((o) => o.delivered?.some((d) => d.error !== undefined && done((d.error = 'EIO'))) ?? false) },
  { name: 'delivered null for an empty list', spoils: [], apply: inStep((o) => o.delivered === null && done((o.delivered = []))) },
  { name: 'drop reason', spoils: ['outcome'], apply: inStep((o) => o.drops.length > 0 && done((o.drops[0].reason = 'OTHER'))) },
  { name: 'drop missing', spoils: ['outcome'], apply: inStep((o) => o.drops.pop() !== undefined) },
  { name: 'drop twice', spoils: ['outcome'], apply: inStep((o) => o.drops.length > 0 && o.drops.push(o.drops[0]) > 0) },
  { name: 'drop location', spoils: [], apply: inStep((o) => o.drops.length > 0 && done((o.drops[0].location = 'elsewhere'))) },
  { name: 'drop dev', spoils: [], apply: inStep((o) => o.drops.length > 0 && done((o.drops[0].dev = 'nowhere'))) },
  { name: 'drop order', spoils: [], apply: inStep((o) => o.drops.length > 1 && o.drops.reverse().length > 0) },
  { name: 'result error', spoils: ['outcome'], apply: (_, m) => m.steps.some((s) => s.result?.error !== undefined && done((s.result.error = 'EIO'))) },
  { name: 'result ok', spoils: ['outcome'], apply: (_, m) => m.steps.some((s) => s.result?.ok === true && done((s.result.ok = false))) },
  { name: 'result socket', spoils: ['outcome'], apply: (_, m) => m.steps.some((s) => s.result?.socket !== undefined && done((s.result.socket = 'local9'))) },
  {
    name: 'result getsockname',
    spoils: ['outcome'],
    apply: (_, m) => m.steps.some((s) => s.result?.getsockname !== undefined && done((s.result.getsockname[1] = 1))),
  },
];

const otherState = inStep((o) => o.conntrack.some((e) => e.state !== undefined && done((e.state = 'NONE'))));
const stateFields: Spoiler[] = [
  { name: 'conntrack state', spoils: ['state'], apply: otherState },
  { name: 'conntrack missing', spoils: ['state'], apply: inStep((o) => o.conntrack.pop() !== undefined) },
  { name: 'conntrack twice', spoils: ['state'], apply: inStep((o) => o.conntrack.length > 0 && o.conntrack.push(o.conntrack[0]) > 0) },
  { name: 'conntrack order', spoils: [], apply: inStep((o) => o.conntrack.length > 1 && o.conntrack.reverse().length > 0) },
  { name: 'conntrack mark', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => done((e.mark += 1)))) },
  { name: 'conntrack zone', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => done((e.zone += 1)))) },
  { name: 'conntrack proto', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => done((e.proto += 'x')))) },
  { name: 'conntrack l3', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => done((e.l3 += 'x')))) },
  { name: 'conntrack orig', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => done((e.orig.src += '0')))) },
  { name: 'conntrack reply port', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => e.reply.dport !== undefined && done((e.reply.dport += 1)))) },
  { name: 'conntrack flag gone', spoils: ['state'], apply: inStep((o) => o.conntrack.some((e) => e.flags?.pop() !== undefined)) },
  {
    name: 'conntrack flags in another order',
    spoils: [],
    apply: inStep((o) => o.conntrack.some((e) => e.flags !== undefined && e.flags.reverse().length > 0)),
  },
  { name: 'conntrack no flags for an empty list', spoils: [], apply: inStep((o) => o.conntrack.some((e) => e.flags === undefined && done((e.flags = [])))) },
  { name: 'counter', spoils: ['state'], apply: inStep((o) => Object.keys(o.counters).length > 0 && done((o.counters[Object.keys(o.counters)[0]] += 1))) },
  { name: 'counter too many', spoils: ['state'], apply: inStep((o) => done((o.counters.IpInDiscards = (o.counters.IpInDiscards ?? 0) + 1))) },
  { name: 'counter of zero', spoils: [], apply: inStep((o) => o.counters.UdpNoPorts === undefined && done((o.counters.UdpNoPorts = 0))) },
  {
    name: 'rule counter',
    spoils: ['state'],
    apply: inStep((o) => Object.keys(o.rule_counters).length > 0 && done((o.rule_counters[Object.keys(o.rule_counters)[0]] += 1))),
  },
  {
    name: 'rule counter gone',
    spoils: ['state'],
    apply: inStep((o) => Object.keys(o.rule_counters).length > 0 && delete o.rule_counters[Object.keys(o.rule_counters)[0]]),
  },
  { name: 'fib', spoils: [], apply: inStep((o) => done((o.fib = []))) },
  { name: 'klog', spoils: [], apply: inStep((o) => done((o.klog = ['other']))) },
];

const stepFields: Spoiler[] = [
  {
    name: 'inconclusive step',
    spoils: ['trace', 'outcome', 'state'],
    apply: (_, m) => done((m.steps[0] = { n: m.steps[0].n, inconclusive: 'match nobody knows' })),
  },
  { name: 'last step missing', spoils: ['trace', 'outcome', 'state'], apply: (_, m) => m.steps.pop() !== undefined },
  { name: 'step number', spoils: ['trace', 'outcome', 'state'], apply: (_, m) => done((m.steps[0].n += 100)) },
  { name: 'step too many', spoils: ['trace', 'outcome', 'state'], apply: (_, m) => m.steps.push({ ...m.steps[0], n: 999 }) > 0 },
];

describe('one change', () => {
  const cases = all.map(({ file, line }) => readCase(file, line));
  for (const sp of [...traceFields, ...outcomeFields, ...stateFields, ...stepFields]) {
    it(`${sp.name}: ${sp.spoils.length === 0 ? 'is not noticed' : `spoils ${sp.spoils.join(', ')}`}`, () => {
      let applied = 0;
      for (const c of cases) {
        if (applied >= 5) break;
        const m = modelOf(c);
        if (!sp.apply(c, m)) continue;
        applied++;
        const s = scoreCase(c, m as ModelCase);
        const spoilt = [s.traceExact ? '' : 'trace', s.outcomeExact ? '' : 'outcome', s.stateExact ? '' : 'state'].filter((x) => x !== '');
        expect(spoilt, `${c.id} ${JSON.stringify(s.firstDifference)}`).toEqual(sp.spoils);
        expect(s.firstDifference === null).toBe(sp.spoils.length === 0);
      }
      expect(applied, 'no case to try it on').toBeGreaterThan(0);
    });
  }
});
