/**
 * What a log of native rules shows to have been so beyond the dump: somebody put `meta nftrace set 1` into a chain, mostly into a table of its own; what
 * `numgen random` drew.
 */
import type { TraceLogLine } from '../../formats/trace-log-types.js';
import { type NftChain, NftRule } from '../../netfilter/nftables/model.js';
import type { RuleRef } from '../../trace/event.js';
import { type Assumption, type Looked, of, onWalk } from './assume.js';
import { dialectOf, isNftRule, nftRule, printed, sameTable } from './compare.js';
import { addChains, addTable, insertRule, type NodeEdit } from './nft-edit.js';
import { drawKey } from './oracle.js';
import { type BasePlace, nativeTable, Places } from './places.js';

const TRACES = /\bmeta nftrace set 1\b/;

export function nativeTraceRule(x: Looked): Assumption[] {
  const line = x.r.comparison.parting?.log;
  if (!line || line.nftFamily === null) return [];
  const places = new Places(x.now.node, x.q.log.lines);
  if (!places.isNative(line)) return [];
  const t = nativeTable(x.now.node, line);
  if (t?.chains.some((c) => c.name === line.chain)) return insertedRule(x, line);
  return unknownChains(x, places, line, t !== undefined);
}

const assumed = (text: string, edit: NodeEdit): Assumption => ({ text, add: (a) => ({ ...a, edits: [...a.edits, edit] }), stepwise: true, whole: true });

/** Into a chain that the dump has. */
function insertedRule(x: Looked, l: TraceLogLine): Assumption[] {
  const { rule } = l;
  if (rule === null || !TRACES.test(rule)) return [];
  const m = x.r.comparison.parting?.model;
  const place = m && sameTable(l, m) && m.chain === l.chain ? m.num : 1;
  const table = { family: l.nftFamily ?? 'ip', name: l.table };
  const text = `a rule “${rule}” stood in ${l.nftFamily} ${l.table} ${l.chain} that the dump does not have`;
  return [...new Set([place, 1])].map((num) => assumed(text, insertRule(table, l.chain, num, rule)));
}

/** A table, or chains of one, of which the log shows nothing but rules that set nftrace. */
function unknownChains(x: Looked, places: Places, line: TraceLogLine, hasTable: boolean): Assumption[] {
  const known = nativeTable(x.now.node, line)?.chains.map((c) => c.name) ?? [];
  const lines = x.q.log.lines.filter((l) => l.table === line.table && l.nftFamily === line.nftFamily && !known.includes(l.chain));
  const rules = lines.filter((l) => l.kind === 'rule');
  if (rules.length === 0 || !rules.every((l) => l.rule !== null && TRACES.test(l.rule))) return [];
  const names = [...new Set(lines.map((l) => l.chain))];
  const where = names.flatMap((name) => {
    const l = lines.find((y) => y.chain === name);
    const base = l && places.base(l);
    return base ? [`${name} at ${base.point.toLowerCase()}`] : [];
  });
  const text = `${hasTable ? `chains of table ${line.nftFamily} ${line.table}` : `a table ${line.nftFamily} ${line.table}`} with “${rules[0].rule}” (${where.join(', ')}) ${hasTable ? 'are' : 'is'} not in the dump`;
  const table = { family: line.nftFamily ?? 'ip', name: line.table };
  // Where the log does not tell what it stands before, it is tried in front of all chains of the hook and behind them.
  return [-450, 1000].map((other) => {
    const chains = names.map((name) => chainOf(x, places, lines, name, other));
    return assumed(text, hasTable ? addChains(table, chains) : addTable({ ...table, chains, sets: [], objects: [] }));
  });
}

function chainOf(x: Looked, places: Places, lines: readonly TraceLogLine[], name: string, otherwise: number): NftChain {
  const own = lines.filter((l) => l.chain === name);
  const base = places.base(own[0]);
  const texts = new Set(own.flatMap((l) => l.rule ?? []));
  const policy = own.find((l) => l.kind === 'policy')?.verdict === 'drop' ? 'drop' : 'accept';
  return {
    name,
    base: base && { type: 'filter', hook: base.point.toLowerCase(), priority: priorityBefore(x, places, own[0], base) ?? otherwise, policy },
    rules: [...texts].map((t) => new NftRule(t, null)),
  };
}

/** That of the next chain of the hook that the log shows: in front of it, among equal priorities. */
function priorityBefore(x: Looked, places: Places, l: TraceLogLine, base: BasePlace): number | null {
  const walk = x.q.walks.find((w) => w.lines.includes(l));
  const next = walk?.lines.slice(walk.lines.indexOf(l)).find((y) => y.packet !== l.packet && places.base(y) !== null);
  const at = next && places.base(next);
  return at?.point === base.point ? at.priority : null;
}

const RANDOM = /\bnumgen random mod (\d{1,9})\b/;
/** Numbers that are tried of one rule. */
const MOST_DRAWS = 64;

/** A rule up to the parting draws a number at random: which one, the log tells by what came of it. */
export function randomNumbers(x: Looked): Assumption[] {
  const { walk, comparison, round } = x.r;
  const p = comparison.parting;
  if (p === null || round === null || x.q.log.kind !== 'nft-monitor') return [];
  const passed = printed(round, dialectOf(x.q.log)).slice(comparison.from, comparison.from + p.at + 1);
  const rules = [...(p.log === null ? [] : listedRules(x, p.log)), ...passed.toReversed().flatMap((m) => (m.kind === 'rule' ? [m.e.rule] : []))];
  const draws = x.a.walks.get(walk.n)?.draws ?? new Map<string, number>();
  for (const r of rules) {
    const bound = Number(RANDOM.exec(nftRule(x.now.node, r)?.text ?? '')?.[1] ?? 0);
    const key = drawKey(r);
    if (bound === 0 || draws.has(key)) continue;
    return Array.from({ length: Math.min(bound, MOST_DRAWS) - 1 }, (_, i) => ({
      text: `numgen random of ${r.family} ${r.table} ${r.chain}:${r.num} drew ${i + 1} for ${of(walk)}`,
      add: onWalk(walk, { draws: new Map(draws).set(key, i + 1) }),
      stepwise: true,
    }));
  }
  return [];
}

/** The rule of the dump that a line shows. */
function listedRules(x: Looked, l: TraceLogLine): Pick<RuleRef, 'family' | 'table' | 'chain' | 'num'>[] {
  const rules = nativeTable(x.now.node, l)?.chains.find((c) => c.name === l.chain)?.rules ?? [];
  const at = l.kind === 'rule' ? rules.findIndex((r) => isNftRule(l, r)) : -1;
  return at < 0 ? [] : [{ family: l.nftFamily ?? 'ip', table: l.table, chain: l.chain, num: at + 1 }];
}
