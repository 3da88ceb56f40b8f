/** One case as a story, model and kernel side by side from the first difference on. */

import { formatAddr } from '../../base/addr.js';
import type { ConntrackEntry, CorpusCase, Delivery, ModelCase, ModelStep, Observed, StepRecord, TracePoint } from './corpus.js';
import { frameFields } from './frame-fields.js';
import { bytesHex, hexBytes } from './hex.js';
import { InjectedFrames, packetsIn, vxlanPortsOf } from './packets.js';
import { type Area, type CaseScore, canonical, type StepScore } from './score.js';

const COLUMN = 62;
const MAX_LINES = 60;
/** Trace points shown before the first that differs. */
const LEAD = 3;

/** Plain text, at most about 60 lines: the step, its packet, every area that differs in it, and the rules behind the trace points. */
export function showCase(c: CorpusCase, model: ModelCase, score: CaseScore): string {
  const lines = [`${c.id}  ${c.category}/${c.scenario}${c.tags.length > 0 ? ` [${c.tags.join(' ')}]` : ''}  ${c.family} ${c.backend}, kernel ${c.kernel}`];
  const verdict = (ok: boolean): string => (ok ? 'exact' : 'DIFFERS');
  lines.push(`trace ${verdict(score.traceExact)}, outcome ${verdict(score.outcomeExact)}, state ${verdict(score.stateExact)}; ${c.steps.length} steps`);
  const at = score.steps.findIndex((s) => s.differences.length > 0);
  for (const [i, s] of c.steps.entries()) {
    if (at >= 0 && i > at) break;
    lines.push(`${at === i ? '>' : ' '} step ${s.n}: ${describeStep(s, c)}`);
  }
  if (at >= 0 && at < c.steps.length) lines.push(...showStep(c, c.steps[at], model.steps[at], score.steps[at], at));
  else if (at < 0) lines.push(...c.steps.flatMap((s) => s.observed.trace.map((t) => `    ${s.n}  ${pointText(t)}`)));
  return `${(lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES - 1), `… ${lines.length - MAX_LINES + 1} more lines`] : lines).join('\n')}\n`;
}

function showStep(c: CorpusCase, rec: StepRecord, mod: ModelStep | undefined, score: StepScore, at: number): string[] {
  if (!mod?.observed)
    return [
      '',
      `model: inconclusive: ${mod?.inconclusive ?? 'no such step'}`,
      'kernel:',
      ...rec.observed.trace.map((t) => `  ${pointText(t)}  ${ruleText(c, t.point)}`),
    ];
  const lines: string[] = [];
  for (const d of score.differences) {
    lines.push('', `${d.area}${d.field === '' ? '' : `, field ${d.field}`}: kernel ${d.kernel ?? '(nothing)'} | model ${d.model ?? '(nothing)'}`);
    lines.push(...sides(c, d.area, d.index, mod, rec));
  }
  const before = at > 0 ? c.steps[at - 1].observed.conntrack : [];
  if (before.length > 0) lines.push('', 'conntrack before the step:', ...before.map((e) => `  ${ctText(e)}`));
  return lines;
}

function sides(c: CorpusCase, area: Area, index: number, mod: ModelStep, rec: StepRecord): string[] {
  const k = rec.observed;
  const m = mod.observed as Observed;
  const injected = new InjectedFrames(vxlanPortsOf(c.state.link));
  for (const s of c.steps) {
    if (s.kind === 'inject') injected.note(hexBytes(s.frame));
    if (s.n === rec.n) break;
  }
  switch (area) {
    case 'trace': {
      const from = Math.max(0, index - LEAD);
      const rows = twoColumns(m.trace.slice(from, index + 12).map(pointText), k.trace.slice(from, index + 12).map(pointText));
      const points = new Set([k.trace[index]?.point, m.trace[index]?.point].filter((p) => p !== undefined));
      return [...rows, ...[...points].map((p) => `    ${p}  ${ruleText(c, p)}`)];
    }
    case 'emitted': {
      const rows = twoColumns(
        m.emitted.map((e) => `${e.dev} ${frameText(e.frame, injected)}`),
        k.emitted.map((e) => `${e.dev} ${frameText(e.frame, injected)}`),
      );
      return [...rows, ...frameDifferences(k.emitted[index]?.frame, m.emitted[index]?.frame, injected)];
    }
    case 'delivered':
      return twoColumns((m.delivered ?? []).map(deliveryText), (k.delivered ?? []).map(deliveryText));
    case 'drops':
      return twoColumns(
        m.drops.map((d) => `${d.reason} ${d.location ?? ''}`),
        k.drops.map((d) => `${d.reason} ${d.location ?? ''}`),
      );
    case 'conntrack':
      return [...m.conntrack.map((e) => `  model   ${ctText(e)}`), ...k.conntrack.map((e) => `  kernel  ${ctText(e)}`)];
    case 'counters':
    case 'rule_counters':
      return counterRows(c, area, k[area], m[area]);
    default:
      return twoColumns([canonical(mod.result ?? null)], [canonical(rec.result ?? null)]);
  }
}

function twoColumns(model: readonly string[], kernel: readonly string[]): string[] {
  const cut = (s: string): string => (s.length > COLUMN ? `${s.slice(0, COLUMN - 1)}…` : s.padEnd(COLUMN));
  const out = [`    ${'model'.padEnd(COLUMN)}   kernel`];
  for (let i = 0; i < Math.max(model.length, kernel.length); i++) {
    const same = model[i] === kernel[i];
    out.push(`  ${same ? ' ' : '≠'} ${cut(model[i] ?? '')} | ${cut(kernel[i] ?? '').trimEnd()}`.trimEnd());
  }
  return out;
}

function counterRows(c: CorpusCase, area: Area, k: Readonly<Record<string, number>>, m: Readonly<Record<string, number>>): string[] {
  const a = new Map(Object.entries(k));
  const b = new Map(Object.entries(m));
  const keys = [...new Set([...a.keys(), ...b.keys()])].sort().filter((key) => (a.get(key) ?? 0) !== (b.get(key) ?? 0));
  return keys.slice(0, 12).map((key) => {
    const rule = area === 'rule_counters' ? `  ${ruleText(c, key.replace(/^ip6:/, '').replace(/:(\d+)$/, ':rule:$1'))}` : '';
    return `  ≠ ${key}: model ${b.get(key) ?? 0} | kernel ${a.get(key) ?? 0}${rule}`;
  });
}

/** A trace point in one line, the fields that are there in the order of the kernel's own line. */
function pointText(t: TracePoint): string {
  const f: string[] = [t.point];
  if (t.verdict !== undefined) f.push(t.verdict);
  f.push(`in=${t.in}`, `out=${t.out}`);
  if (t.physin) f.push(`physin=${t.physin}`);
  if (t.physout) f.push(`physout=${t.physout}`);
  f.push(`${t.src}>${t.dst}`, t.proto ?? '');
  if (t.sport !== undefined) f.push(`${t.sport}>${t.dport}`);
  if (t.type !== undefined) f.push(`${t.type}/${t.code}`);
  if (t.flags !== undefined) f.push(`[${t.flags}]`);
  f.push(`ttl=${t.ttl} tos=${t.tos} len=${t.len}`);
  if (t.mark) f.push(`mark=0x${t.mark.toString(16)}`);
  if (t.uid !== undefined) f.push(`uid=${t.uid}`);
  return f.join(' ');
}

/** The rule that a trace point names, from the saved rule set; the policy line for a policy point. */
export function ruleText(c: CorpusCase, point: string): string {
  const [table, chain, kind, number] = point.split(':');
  const save = c.family === 'ipv6' ? (c.state.ip6tables_save ?? '') : c.state.iptables_save;
  const rules: string[] = [];
  let policy = '';
  let inTable = false;
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) inTable = line === `*${table}`;
    else if (inTable && line.startsWith(`:${chain} `)) policy = line;
    else if (inTable && line.startsWith(`-A ${chain} `)) rules.push(line);
  }
  const n = Number(number);
  if (kind !== 'end' && n >= 1 && n <= rules.length) return rules[n - 1];
  return policy === '' ? '(no such chain)' : `${policy}, end of ${rules.length} rules`;
}

function describeStep(s: StepRecord, c: CorpusCase): string {
  const from = s.derived_from === undefined ? '' : ` (from step ${s.derived_from})`;
  if (s.kind === 'inject') return `inject ${s.dev}${from}: ${frameText(s.frame, new InjectedFrames(vxlanPortsOf(c.state.link)))}`;
  if (s.kind === 'sock_close') return `${s.socket} is closed${from}`;
  if (s.kind === 'sock_send') return `${s.socket} sends ${s.payload.length / 2} bytes${from}`;
  const parts = [s.proto, `to ${s.dst}${s.dport === undefined ? '' : `:${s.dport}`}`];
  if (s.sport !== undefined) parts.push(`from port ${s.sport}`);
  for (const f of ['src', 'device', 'mark', 'uid', 'tos', 'broadcast', 'type', 'code'] as const) if (s[f] !== undefined) parts.push(`${f}=${String(s[f])}`);
  if (s.payload !== undefined) parts.push(`${s.payload.length / 2} bytes`);
  return `local ${parts.join(' ')}${from}`;
}

/** A frame in a few words: the packets in it, outermost first. */
export function frameText(hex: string, injected: InjectedFrames): string {
  const b = hexBytes(hex);
  const inside = packetsIn(b, injected.vxlanPorts).map((p) => {
    const ports = p.sport !== 0 || p.dport !== 0 ? ` ${p.sport}>${p.dport}` : '';
    const icmp = (p.proto === 1 || p.proto === 58) && p.thoff >= 0 ? ` type ${b[p.thoff]}/${b[p.thoff + 1]}` : '';
    const flags = p.proto === 6 && p.thoff >= 0 && p.thoff + 14 <= b.length ? ` [${tcpFlags(b[p.thoff + 13])}]` : '';
    const ttl = p.family === 'ipv4' ? b[p.nhoff + 8] : b[p.nhoff + 7];
    return `${p.where === 'outer' ? '' : `${p.where} `}${formatAddr(p.src)}>${formatAddr(p.dst)} proto ${p.proto}${ports}${icmp}${flags} ttl ${ttl}`;
  });
  return `${inside.length > 0 ? inside.join(' / ') : `ethertype 0x${bytesHex(b.subarray(12, 14))}`} (${b.length} bytes)`;
}

const tcpFlags = (v: number): string => [...'FSRPAUEC'].filter((_, i) => (v >> i) & 1).join('');

function frameDifferences(k: string | undefined, m: string | undefined, injected: InjectedFrames): string[] {
  if (k === undefined || m === undefined) return [];
  const a = hexBytes(k);
  const b = hexBytes(m);
  return frameFields(a, injected)
    .filter((f) => f.mask !== 0 && bytesHex(a.subarray(f.from, f.to)) !== bytesHex(b.subarray(f.from, f.to)))
    .slice(0, 8)
    .map(
      (f) =>
        `  ≠ ${f.name} at byte ${f.from}: model ${bytesHex(b.subarray(f.from, f.to)).slice(0, 64)} | kernel ${bytesHex(a.subarray(f.from, f.to)).slice(0, 64)}`,
    );
}

function deliveryText(d: Delivery): string {
  const data = d.data === undefined ? '' : ` ${d.data.length / 2} bytes ${d.data.slice(0, 16)}`;
  return [
    d.socket,
    d.event + data,
    d.from ? `from ${d.from.join(':')}` : '',
    d.to ? `to ${typeof d.to === 'string' ? d.to : d.to.join(':')}` : '',
    d.dev ?? '',
    d.error ?? '',
  ]
    .filter((x) => x !== '')
    .join(' ');
}

function ctText(e: ConntrackEntry): string {
  const tuple = (t: ConntrackEntry['orig']): string =>
    `${t.src}>${t.dst} ${t.sport ?? `type ${t.type} code ${t.code} id ${t.id}`}${t.dport === undefined ? '' : `>${t.dport}`}`;
  return `${e.proto} ${e.state ?? ''} [${(e.flags ?? []).join(' ')}] ${tuple(e.orig)} / ${tuple(e.reply)} mark=${e.mark} zone=${e.zone}`;
}
