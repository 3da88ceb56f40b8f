/** What a verdict rests on without saying so: values that no dump states, and rules of walked chains that use a set in a way that never matches. */
import { byName } from '../base/memo.js';
import { lintSetUse } from '../netfilter/ipset/lint.js';
import type { MatchInstance, Rule, XtRuleset } from '../netfilter/xtables/model.js';
import type { PacketRun } from '../stack/run-scenario.js';
import { isXtRule, type RuleRef } from '../trace/event.js';
import { rulePlace } from '../trace/place.js';
import type { DropContext } from './drop-context.js';
import { assumedSysctls } from './look.js';
import { rulesetOf } from './rule-text.js';

export function assumedLines(c: DropContext): string[] {
  const all = assumedSysctls(c);
  return [...(all.length === 0 ? [] : [`assumed, since the dump of ${c.node} does not say: ${all.join(', ')}`]), ...assumedSockets(c)];
}

/** That nobody listens is no more than an assumption where no socket at all is stated. */
export const socketsUnknown = (c: DropContext): boolean => c.cause === 'no-socket' && (c.proto === 'tcp' || c.proto === 'udp') && c.state?.sockets.length === 0;
const assumedSockets = (c: DropContext): string[] =>
  socketsUnknown(c) ? [`assumed, since the dump of ${c.node} names no sockets (ss -lntu): nobody listens there`] : [];

/** What lintSetUse() needs of a rule's `-m set`. */
interface SetUse {
  readonly set: string;
  readonly dirs: readonly boolean[];
}

function setUses(r: Rule): SetUse[] {
  return r.matches.flatMap((m) => (m.def !== null && m.def.name === 'set' ? [(m as MatchInstance).data as SetUse] : []));
}

const ruleCount = (r: XtRuleset | null): number =>
  r?.tables.reduce((n, t) => n + t.chains.reduce((m, c) => m + c.rules.length + Number(c.policy === 'DROP'), 0), 0) ?? 0;

/** Nodes on the way whose packets must pass two rule sets: those of iptables-legacy and of iptables-nft. */
export function backendNotes(p: PacketRun): string[] {
  const walked = new Set(p.events.flatMap((e) => (e.t === 'match' || e.t === 'policy' ? [e.node] : [])));
  const out: string[] = [];
  for (const name of walked) {
    const n = p.nodes.get(name);
    if (!n) continue;
    for (const [tool, legacy, nft] of [
      ['iptables', n.iptables, n.iptablesNft],
      ['ip6tables', n.ip6tables, n.ip6tablesNft],
    ] as const) {
      if (ruleCount(legacy) > 0 && ruleCount(nft) > 0)
        out.push(`note: ${name} has two rule sets at once, both active: a packet must pass ${tool}-legacy-save and ${tool}-nft-save`);
    }
  }
  return out;
}

const MAX_NOTES = 3;

/** Findings about sets in chains that this packet walked, one line for each set and kind of finding. `without`: sets the verdict has spoken of already. */
export function setNotes(p: PacketRun, without: ReadonlySet<string>, all: boolean): string[] {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const e of p.events) {
    if (e.t !== 'match' && e.t !== 'policy') continue;
    const key = `${e.node}\0${e.rule.family}\0${e.rule.backend}\0${e.rule.table}\0${e.rule.chain}`;
    if (seen.has(key)) continue;
    seen.add(key);
    for (const [id, text] of chainNotes(p, e.node, e.rule, without)) if (!found.has(id)) found.set(id, text);
  }
  const lines = [...found.values()];
  if (all || lines.length <= MAX_NOTES) return lines;
  return [...lines.slice(0, MAX_NOTES), `note: ${lines.length - MAX_NOTES} more about sets in chains it walked (--verbose)`];
}

function* chainNotes(p: PacketRun, node: string, ref: RuleRef, without: ReadonlySet<string>): Generator<[string, string]> {
  const n = p.nodes.get(node);
  if (!n || !isXtRule(ref)) return;
  const table = byName(rulesetOf(n, ref)?.tables ?? [], ref.table);
  const chain = table && byName(table.chains, ref.chain);
  if (!chain) return;
  for (let i = 0; i < chain.rules.length; i++) {
    for (const use of setUses(chain.rules.at(i))) {
      const set = n.sets.find((s) => s.name === use.set);
      if (!set || without.has(use.set)) continue;
      for (const f of lintSetUse(set, use.dirs, ref.family, n.sets))
        yield [`${node}\0${use.set}\0${f.code}`, `note: ${node} ${rulePlace({ ...ref, num: i + 1 })}: ${f.message}`];
    }
  }
}
