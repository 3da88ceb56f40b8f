/** One logged walk against one round of the model, line by line. */

import { formatAddr } from '../../base/addr.js';
import { byName } from '../../base/memo.js';
import type { LoggedPacket, TraceLog, TraceLogLine } from '../../formats/trace-log-types.js';
import type { NftRule } from '../../netfilter/nftables/model.js';
import { printRule } from '../../netfilter/xtables/print.js';
import { rulesetOf } from '../../render/rule-text.js';
import type { NodeState } from '../../scenario/model.js';
import { nftChainOf, nftHandles, nftTables } from '../../stack/nft-steps.js';
import { isXtRule, type RuleRef } from '../../trace/event.js';
import { sameNftWords } from './nft-words.js';
import type { ModelLine, Round } from './rounds.js';
import type { LoggedWalk } from './walks.js';

/** A field that a line and the model show differently, as text. */
export interface FieldDifference {
  readonly field: string;
  readonly log: string;
  readonly model: string;
}

export interface Comparison {
  /** The model's lines that answer to the log's: from `from` on. */
  readonly from: number;
  readonly agreed: number;
  /** null: all lines agree, and the model has no more. */
  readonly parting: Parting | null;
}

export interface Parting {
  /** Of the walk's lines, from 0; its length where the log ends first. */
  readonly at: number;
  readonly log: TraceLogLine | null;
  readonly model: ModelLine | null;
  /** Empty: another point, or nothing on one side. */
  readonly fields: readonly FieldDifference[];
}

/** What the comparison must know of the log as a whole. */
export interface Dialect {
  readonly kind: TraceLog['kind'];
  /** Ends of chains are printed. */
  readonly returns: boolean;
}
export const dialectOf = (log: TraceLog): Dialect => ({ kind: log.kind, returns: log.kind === 'kernel' || log.lines.some((l) => l.kind === 'return') });

/** The model's lines that such a log has. */
export const printed = (r: Round, d: Dialect): readonly ModelLine[] => (d.returns ? r.lines : r.lines.filter((l) => l.kind !== 'return'));

export function compare(w: LoggedWalk, r: Round, node: NodeState, d: Dialect): Comparison {
  const model = printed(r, d);
  const from = start(w, model, node, d);
  let before: LoggedPacket | null = null;
  for (let i = 0; i < w.lines.length; i++) {
    const log = w.lines[i];
    const m = model[from + i] ?? null;
    if (m === null || !samePoint(log, m, node, d)) return { from, agreed: i, parting: { at: i, log, model: m, fields: [] } };
    // nf_tables' tools show the packet once per base chain.
    const fields = d.kind !== 'kernel' && log.packet === before ? markDifference(log, m) : fieldDifferences(log, m, d);
    if (fields.length > 0) return { from, agreed: i, parting: { at: i, log, model: m, fields } };
    before = log.packet;
  }
  const more = model[from + w.lines.length] ?? null;
  return { from, agreed: w.lines.length, parting: more === null ? null : { at: w.lines.length, log: null, model: more, fields: [] } };
}

/** The model traces from the first hook on, the log from its TRACE rule on. */
function start(w: LoggedWalk, model: readonly ModelLine[], node: NodeState, d: Dialect): number {
  const first = w.lines[0];
  const same = model.findIndex((m) => samePoint(first, m, node, d) && m.hook === w.hook);
  if (same >= 0) return same;
  const chain = model.findLastIndex((m) => sameTable(first, m) && m.chain === first.chain && m.hook === w.hook && (first.num === null || m.num <= first.num));
  if (chain >= 0) return chain;
  const table = model.findIndex((m) => sameTable(first, m) && m.hook === w.hook);
  return Math.max(0, table);
}

/** xtables-monitor and the kernel log tell no family. */
export const sameTable = (l: Pick<TraceLogLine, 'table' | 'nftFamily'>, m: Pick<ModelLine, 'table' | 'nftFamily'>): boolean =>
  l.table === m.table && (l.nftFamily === null || l.nftFamily === m.nftFamily);

export function samePoint(l: TraceLogLine, m: ModelLine, node: NodeState, d: Dialect): boolean {
  if (!sameTable(l, m) || l.chain !== m.chain || l.kind !== m.kind) return false;
  if (d.kind === 'kernel') return l.num === m.num;
  if (m.e.t !== 'nft-trace') return false;
  if (l.kind === 'policy') return l.verdict === null || l.verdict === m.e.policy;
  if (l.kind === 'return') return true;
  if (l.verdict !== null && l.verdict !== m.e.verdict) return false;
  return sameRule(l, m, node);
}

/** By handle where the dump lists handles, else by the words of the rule where both are known. */
function sameRule(l: TraceLogLine, m: ModelLine, node: NodeState): boolean {
  if (m.e.t !== 'nft-trace') return false;
  const ref = m.e.rule;
  if (ref.backend === 'nftables') return isNftRule(l, nftRule(node, ref));
  const family = ref.family === 'ipv6' ? 'ipv6' : 'ipv4';
  const handles = nftHandles(node, family);
  if (handles?.listed && l.handle !== null && l.handle !== ref.handle) return false;
  if (l.rule === null) return true;
  if (l.rule.startsWith('-A ')) return sameWords(l.rule, modelRule(node, m) ?? '');
  if (l.handle !== null && handles?.listed) return true;
  const listed = nftTables(node).find((t) => t.family === (family === 'ipv6' ? 'ip6' : 'ip') && t.name === ref.table);
  const text = byName(listed?.chains ?? [], ref.chain)?.rules.find((x) => x.handle === ref.handle)?.text;
  return text === undefined || sameNftWords(text, l.rule);
}

/** Does the line show this rule of the dump? A handle that no listing gave is no one's. */
export function isNftRule(l: TraceLogLine, rule: NftRule | undefined): boolean {
  if (rule === undefined) return false;
  if (l.handle !== null && rule.handle !== null) return l.handle === rule.handle;
  return l.rule === null || sameNftWords(rule.text, l.rule);
}

/** A rule of nft itself. */
export function nftRule(node: NodeState, r: Pick<RuleRef, 'family' | 'table' | 'chain' | 'num'>): NftRule | undefined {
  return nftChainOf(node, r)?.rules[r.num - 1];
}

const sameWords = (a: string, b: string): boolean => a.replace(/\s+/g, ' ').trim() === b.replace(/\s+/g, ' ').trim();

/** `-A CHAIN …` of the model's rule; one of nft itself in nft's words. */
export function modelRule(node: NodeState, m: Pick<ModelLine, 'e'>): string | null {
  const r = m.e.rule;
  if (r.backend === 'nftables') return nftRule(node, r)?.text.replace(/\s+/g, ' ') ?? null;
  if (!isXtRule(r)) return null;
  const chain = byName(byName(rulesetOf(node, r)?.tables ?? [], r.table)?.chains ?? [], r.chain);
  if (!chain || r.num < 1 || r.num > chain.rules.length) return null;
  return printRule(r.chain, chain.rules.at(r.num - 1), { family: r.family, table: r.table });
}

type Show = string | number | null;
const show = (v: Show): string => (v === null ? '' : String(v));
const hex = (n: number): string => `0x${n.toString(16)}`;

/** `nft monitor trace` shows the mark beside policies only. */
const markDifference = (l: TraceLogLine, { packet }: ModelLine): FieldDifference[] =>
  l.mark === null || l.mark === packet.mark ? [] : [{ field: 'MARK', log: hex(l.mark), model: hex(packet.mark) }];

function fieldDifferences(l: TraceLogLine, m: ModelLine, d: Dialect): FieldDifference[] {
  const a = l.packet;
  const b = m.packet;
  const out: FieldDifference[] = [];
  const want = (field: string, log: Show, model: Show): void => {
    if (log !== null && log !== model) out.push({ field, log: show(log), model: show(model) });
  };
  // Older kernels tell no input device in POSTROUTING; a bridge's packet has none there either.
  if (!(m.hook === 'POSTROUTING' && a.in === '')) want('IN', a.in, b.in);
  want('OUT', a.out, b.out);
  if (d.kind === 'kernel') {
    if (!(m.hook === 'POSTROUTING' && a.physin === '')) want('PHYSIN', a.physin, b.physin);
    want('PHYSOUT', a.physout, b.physout);
  }
  want('SRC', formatAddr(a.src), formatAddr(b.src));
  want('DST', formatAddr(a.dst), formatAddr(b.dst));
  want('TTL', a.ttl, b.ttl);
  want('LEN', a.len, b.len);
  want('TOS', a.tos === null ? null : a.tos & ~1, b.tos & ~1);
  want('PROTO', a.proto, b.proto);
  want('SPT', a.sport, b.sport);
  want('DPT', a.dport, b.dport);
  want('TYPE', a.icmp?.type ?? null, b.type);
  want('CODE', a.icmp?.code ?? null, b.code);
  if (d.kind !== 'nft-monitor') want('MARK', a.cut && a.mark === 0 ? null : hex(a.mark), hex(b.mark));
  return [...out, ...markDifference(l, m)];
}
