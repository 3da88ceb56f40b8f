/** What `sim check-log` found, for people and for programs. */

import { formatAddr } from '../../base/addr.js';
import { protocolName } from '../../base/well-known.js';
import type { LoggedPacket, TraceLogKind } from '../../formats/trace-log-types.js';
import { dropContext } from '../../render/drop-context.js';
import { kernelLines } from '../../render/kernel.js';
import { sentence } from '../../render/sentence.js';
import type { PacketRun } from '../../stack/run-scenario.js';
import type { EventOf } from '../../trace/event.js';
import { type LogCheck, parts } from '../check-log/check.js';
import { modelRule } from '../check-log/compare.js';
import type { Candidate } from '../check-log/diagnose.js';
import type { Replayed } from '../check-log/replay.js';
import type { ModelLine } from '../check-log/rounds.js';
import { counted } from './reporter.js';

const kinds: Readonly<Record<TraceLogKind, string>> = {
  kernel: 'kernel log',
  'xtables-monitor': 'xtables-monitor --trace',
  'nft-monitor': 'nft monitor trace',
};

/** Of a packet: `tcp 10.0.0.1:4000 > 10.0.0.2:80`. */
function packetText(p: LoggedPacket): string {
  const proto = p.proto === null ? '' : `${protocolName(p.proto) ?? p.proto} `;
  const end = (a: LoggedPacket['src'], port: number | null): string =>
    port === null ? formatAddr(a) : typeof a === 'string' ? `[${formatAddr(a)}]:${port}` : `${formatAddr(a)}:${port}`;
  return `${proto}${end(p.src, p.sport)} > ${end(p.dst, p.dport)}`;
}

interface Numbers {
  readonly packets: number;
  readonly lines: number;
  readonly agreedPackets: number;
  readonly agreedLines: number;
}

function numbersOf(c: LogCheck): Numbers {
  const { results } = c;
  return {
    packets: results.length,
    lines: results.reduce((n, r) => n + r.walk.lines.length, 0),
    agreedPackets: results.filter((r) => !parts(r)).length,
    agreedLines: results.reduce((n, r) => n + r.comparison.agreed, 0),
  };
}

export function renderLogCheck(c: LogCheck): string {
  const n = numbersOf(c);
  const out = [
    `${c.log.file} (${kinds[c.log.kind]}): ${counted(n.packets, 'packet')}, ${counted(n.lines, 'line')}. ` +
      (n.agreedPackets === n.packets
        ? `All agree with the model of ${c.node.name}.`
        : `${n.agreedPackets} of ${counted(n.packets, 'packet')} and ${n.agreedLines} of ${counted(n.lines, 'line')} agree with the model of ${c.node.name}.`),
    ...remarks(c),
  ];
  if (c.assumed.length > 0) out.push('', 'Taken from the log, and not in the dump:', ...c.assumed.map((a) => `  ${a}`));
  const ends = c.parting ? [] : losses(c);
  if (ends.length > 0) out.push('', 'What a log cannot show, the model says:', ...ends);
  if (c.parting) out.push(...partingText(c, c.parting.result, c.parting.candidates));
  return `${out.join('\n')}\n`;
}

const MAX_LOSSES = 5;

/** Packets that both lose: a TRACE log just ends there. */
function losses(c: LogCheck): string[] {
  const all = c.results.flatMap((r) => {
    const drop = r.round?.events.find((e): e is EventOf<'drop'> => e.t === 'drop');
    if (!r.round || !drop) return [];
    const events = [...(r.round.lastHook ? [r.round.lastHook] : []), drop];
    const context = dropContext({ events, nodes: new Map([[c.node.name, c.node]]) }, events.length - 1);
    const last = r.walk.lines[r.walk.lines.length - 1];
    return [
      `  line ${last.n}, packet ${r.walk.n} (${packetText(r.walk.lines[0].packet)}) is lost behind it: ${drop.reason} in ${drop.location}. ${sentence(context)}`,
    ];
  });
  return all.length > MAX_LOSSES ? [...all.slice(0, MAX_LOSSES), `  and ${all.length - MAX_LOSSES} more packets that are lost`] : all;
}

function remarks(c: LogCheck): string[] {
  const { log } = c;
  const out: string[] = [];
  if (log.stopped) out.push(`Only the first ${log.read} lines were read.`);
  if (log.unusable > 0) out.push(`${counted(log.unusable, 'trace line')} could not be used.`);
  if (log.losses.length > 0) out.push(`Line ${log.losses[0]} says that messages were lost.`);
  if (log.notIp.length > 0) out.push(`Frames that are no IP packets are not compared; their lines are left out: ${log.notIp.join(', ')}.`);
  return out;
}

function partingText(c: LogCheck, r: Replayed, candidates: readonly Candidate[]): string[] {
  const p = r.comparison.parting;
  const at = p?.log ?? r.walk.lines[r.walk.lines.length - 1];
  const before = r.walk.lines[(p?.at ?? 0) - 1];
  const out = [
    '',
    `They part at line ${at.n}, packet ${r.walk.n} (${packetText(r.walk.lines[0].packet)})${p && p.log === null ? ', behind its last line' : ''}:`,
  ];
  if (before) out.push(`  both   ${before.text}`);
  out.push(`  log    ${p === null ? r.walk.lines[0].text : (p.log?.text ?? 'nothing more')}`);
  out.push(`  model  ${p?.model ? modelText(c, p.model) : (r.problem ?? ending(r))}`);
  for (const f of p?.fields ?? []) out.push(`  ${f.field} is ${f.log || 'absent'} in the log, ${f.model || 'absent'} in the model`);
  out.push('', candidates.length === 0 ? 'What is missing is not known: no row of the table of causes fits.' : 'Likely missing, the likeliest first:');
  out.push(...candidates.flatMap((k, i) => candidateText(k, i + 1, c)));
  out.push(...others(c, r));
  return out;
}

function ending(r: Replayed): string {
  const drop = r.round?.events.find((e) => e.t === 'drop');
  if (drop?.t === 'drop') return `nothing more: it drops the packet, ${drop.reason} (${drop.cause}) in ${drop.location}`;
  const unknown = r.round?.events.find((e) => e.t === 'inconclusive');
  return unknown?.t === 'inconclusive' ? `inconclusive: ${unknown.what}` : 'nothing more';
}

function modelText(c: LogCheck, m: ModelLine): string {
  if (m.e.t === 'trace') {
    const run: Pick<PacketRun, 'events' | 'nodes'> = { events: [m.e], nodes: new Map([[c.node.name, c.node]]) };
    return kernelLines(run, run.events)[0].replace(/^TRACE: /, '');
  }
  const { rule, kind, verdict, policy } = m.e;
  if (c.log.kind === 'nft-monitor') return nftText(c, m);
  const where = `${rule.table}:${rule.chain}:${kind === 'end' ? 'return' : kind}`;
  if (kind !== 'rule') return `${where}:${(policy ?? '').toUpperCase()}`;
  return `${where}:0x${(rule.handle ?? 0).toString(16)}:${verdict}  ${modelRule(c.node, m) ?? ''}`;
}

/** As `nft monitor trace` has it, without the trace's number. */
function nftText(c: LogCheck, m: ModelLine): string {
  if (m.e.t !== 'nft-trace') return '';
  const { kind, verdict, policy, mark } = m.e;
  const where = `${m.nftFamily} ${m.table} ${m.chain}`;
  if (kind === 'policy') return `${where} policy ${policy ?? 'accept'}${mark === 0 ? '' : ` meta mark 0x${mark.toString(16).padStart(8, '0')}`}`;
  if (kind === 'end') return `${where} verdict ${verdict}`;
  return `${where} rule ${modelRule(c.node, m) ?? `handle ${m.e.rule.handle ?? 0}`} (verdict ${verdict})`;
}

function candidateText(k: Candidate, n: number, c: LogCheck): string[] {
  const out = [`  ${n}. ${k.text}`];
  if (k.tried) {
    const all = c.results.length;
    const whole = k.tried.whole ? 'the whole packet agrees' : `${k.tried.agreed} lines of the packet agree`;
    out.push(`     tried: ${whole}${all > 1 ? `, and ${k.tried.packets} of ${all} packets` : ''}`);
  }
  for (const f of k.facts) out.push(`     ${f}`);
  if (k.commands.length > 0 && k.commands.length <= MOST_COMMANDS) out.push(`     in the model: ${k.commands.map((x) => `--do '${x}'`).join(' ')}`);
  return [...out, `     to know: ${k.decide}`];
}
const MOST_COMMANDS = 4;

/** Packets that part as well, by their place. */
function others(c: LogCheck, first: Replayed): string[] {
  const rest = c.results.filter((r) => r !== first && parts(r));
  if (rest.length === 0) return [];
  const shown = rest.slice(0, MOST_OTHERS).map((r) => `packet ${r.walk.n} (line ${(r.comparison.parting?.log ?? r.walk.lines[0]).n})`);
  return ['', `${counted(rest.length, 'packet')} more ${rest.length === 1 ? 'parts' : 'part'}: ${shown.join(', ')}${rest.length > MOST_OTHERS ? ', …' : ''}.`];
}
const MOST_OTHERS = 10;

export function logCheckJson(c: LogCheck): string {
  const { log } = c;
  const p = c.parting;
  const body = {
    version: 1,
    agree: p === null,
    node: c.node.name,
    log: {
      file: log.file,
      kind: log.kind,
      read: log.read,
      otherLines: log.others,
      unusable: log.unusable,
      losses: log.losses,
      stopped: log.stopped,
      notIp: log.notIp,
    },
    ...numbersOf(c),
    assumed: c.assumed,
    results: c.results.map((r) => ({
      packet: r.walk.n,
      line: r.walk.lines[0].n,
      what: packetText(r.walk.lines[0].packet),
      lines: r.walk.lines.length,
      agreed: r.comparison.agreed,
      agrees: !parts(r),
      modelsOwn: r.own,
    })),
    parting: p && {
      packet: p.result.walk.n,
      line: p.result.comparison.parting?.log?.n ?? null,
      log: p.result.comparison.parting?.log?.text ?? null,
      model: p.result.comparison.parting?.model ? modelText(c, p.result.comparison.parting.model) : null,
      ends: p.result.problem ?? (p.result.comparison.parting?.model ? null : ending(p.result)),
      fields: p.result.comparison.parting?.fields ?? [],
      candidates: p.candidates.map(({ cause, text, facts, decide, commands, tried }) => ({ cause, text, facts, decide, commands, tried })),
    },
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}
