/**
 * Which rules, chains and set entries the packets of a test run met. Rules are told apart by the line they were read from, so that scenarios that share a dump share its coverage.
 */
import type { Family } from '../base/addr.js';
import type { Span } from '../base/diagnostic.js';
import { byName } from '../base/memo.js';
import { makeSet, SetTable } from '../netfilter/ipset/commands.js';
import { paramsOf } from '../netfilter/ipset/create.js';
import { emptyMembers } from '../netfilter/ipset/members.js';
import { IpsetError } from '../netfilter/ipset/types.js';
import { builtinChains, type XtRuleset } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';
import type { NodeState } from '../scenario/model.js';
import { ownerOf } from '../scenario/parts.js';
import { chainWords, tableOfRule } from '../scenario/rule-ref.js';
import type { PacketRun } from '../stack/run-scenario.js';
import { isXtRule, type RuleRef } from '../trace/event.js';
import type { ScenarioResult } from './suite.js';

/** Sets with more entries are not looked into. */
const MAX_ENTRIES = 20_000;

export interface Uncovered {
  readonly kind: 'rule' | 'chain' | 'set entry';
  readonly node: string;
  /** `filter:FORWARD:3`, `filter:cali-x`, `SET`. */
  readonly place: string;
  /** The rule as iptables-save prints it, the entry as ipset save does; '' for chains. */
  readonly text: string;
  readonly span: Span | null;
}

export interface Covered {
  readonly met: number;
  readonly all: number;
}

export interface Coverage {
  readonly rules: Covered;
  readonly chains: Covered;
  readonly entries: Covered;
  readonly missed: readonly Uncovered[];
}

interface Item extends Uncovered {
  met: boolean;
}

/** Members that rules asked a set for, as text. */
interface Asked {
  readonly hits: Set<string>;
  readonly misses: Set<string>;
}

class Collector {
  readonly items = new Map<string, Item>();
  readonly done = new Set<NodeState>();

  add(key: string, item: Uncovered): void {
    if (!this.items.has(key)) this.items.set(key, { ...item, met: false });
  }
  meet(key: string): void {
    const i = this.items.get(key);
    if (i) i.met = true;
  }
}

export function coverage(results: readonly ScenarioResult[]): Coverage {
  const c = new Collector();
  for (const r of results) for (const p of r.run?.packets ?? []) collectPacket(c, r.file, p);
  return summary([...c.items.values()]);
}

function collectPacket(c: Collector, file: string, p: PacketRun): void {
  for (const n of p.nodes.values()) collect(c, file, n);
  const asked = new Map<string, Asked>();
  for (const e of p.events) {
    const n = p.nodes.get(e.node);
    if (!n) continue;
    if (e.t === 'match' && e.rule.backend === 'nftables') meetNft(c, file, n, e.rule);
    if (e.t === 'nft-trace' && e.kind !== 'rule') meetNft(c, file, n, e.rule);
    if (e.t === 'match' && isXtRule(e.rule)) meetRule(c, file, n, rulesetOf(n, e.rule.family, e.rule.backend), e.rule);
    if (e.t === 'hook' && (e.family === 'ipv4' || e.family === 'ipv6')) meetHook(c, file, n, e.family, e.hook);
    if (e.t === 'set-test') {
      const key = `${n.name}\0${e.set}`;
      const of = asked.get(key) ?? { hits: new Set(), misses: new Set() };
      (e.hit ? of.hits : of.misses).add(e.member);
      asked.set(key, of);
    }
  }
  for (const [key, of] of asked) {
    const [node, set] = key.split('\0');
    meetEntries(c, file, p.nodes.get(node), set, of);
  }
}

function rulesetOf(n: NodeState, family: Family, backend: RuleRef['backend']): XtRuleset | null {
  if (backend === 'nft') return family === 'ipv6' ? n.ip6tablesNft : n.iptablesNft;
  return family === 'ipv6' ? n.ip6tables : n.iptables;
}

/** The base chains of a hook: their tables are walked whenever a packet passes it. */
function meetHook(c: Collector, file: string, n: NodeState, family: Family, hook: string): void {
  for (const backend of ['legacy', 'nft'] as const)
    for (const table of Object.keys(builtinChains)) c.meet(chainKey(file, n, rulesetOf(n, family, backend), table, hook));
}

function summary(items: readonly Item[]): Coverage {
  const of = (kind: Uncovered['kind']): Covered => {
    const all = items.filter((i) => i.kind === kind);
    return { met: all.filter((i) => i.met).length, all: all.length };
  };
  return { rules: of('rule'), chains: of('chain'), entries: of('set entry'), missed: items.filter((i) => !i.met).map(({ met: _, ...rest }) => rest) };
}

const rulesets = (n: NodeState): XtRuleset[] => [n.iptables, n.ip6tables, n.iptablesNft, n.ip6tablesNft].filter((x): x is XtRuleset => x !== null);
/** Lines of a rule inside a scenario file or a command count from the beginning of that text: only a dump of its own has places that tell rules apart. */
const placeOf = (span: Span | null): Span | null => (span === null || /\.ya?ml$|^--do$|\(\)$/.test(span.file) ? null : span);

const ruleKey = (file: string, n: NodeState, family: string, place: string, span: Span | null): string =>
  span ? `rule ${span.file}:${span.line}` : `rule ${file} ${n.name} ${family} ${place}`;

/** A chain is where its first rule with a known place stands; one without rules is known by node and name. */
function chainKey(file: string, n: NodeState, set: XtRuleset | null, table: string, name: string): string {
  const chain = byName(byName(set?.tables ?? [], table)?.chains ?? [], name);
  const first = chain && chain.rules.length > 0 ? placeOf(chain.rules.at(0).span) : null;
  return first ? `chain ${first.file} ${set?.family} ${table} ${name}` : `chain ${file} ${n.name} ${set?.family} ${table} ${name}`;
}

function collect(c: Collector, file: string, n: NodeState): void {
  if (c.done.has(n)) return;
  c.done.add(n);
  for (const set of rulesets(n))
    for (const table of set.tables)
      for (const chain of table.chains) {
        const place = `${table.name}:${chain.name}`;
        if (chain.rules.length > 0)
          c.add(chainKey(file, n, set, table.name, chain.name), { kind: 'chain', node: n.name, place, text: '', span: placeOf(chain.rules.at(0).span) });
        for (let i = 0; i < chain.rules.length; i++) {
          const rule = chain.rules.at(i);
          const key = ruleKey(file, n, set.family, `${place}:${i + 1}`, placeOf(rule.span));
          if (c.items.has(key)) continue;
          c.add(key, {
            kind: 'rule',
            node: n.name,
            place: `${place}:${i + 1}`,
            text: printRule(chain.name, rule, { family: set.family, table: table.name }),
            span: placeOf(rule.span),
          });
        }
      }
  collectNft(c, file, n);
  for (const s of n.sets) {
    if (s.members.size > MAX_ENTRIES || s.create.type === 'list:set') continue;
    for (const text of s.members.text()) c.add(entryKey(file, n, s.name, text), { kind: 'set entry', node: n.name, place: s.name, text, span: null });
  }
}

const nftKey = (file: string, n: NodeState, place: string): string => `nft ${file} ${n.name} ${place}`;
const nftPlace = (t: string, chain: string, num: number): string => `${chainWords(t, chain)}:${num}`;

/** Tables of nft itself; those that iptables-nft made are counted by its own rules. */
function collectNft(c: Collector, file: string, n: NodeState): void {
  for (const t of n.nftRuleset ?? []) {
    if (ownerOf(n, t.family, t.name) !== null) continue;
    const table = `${t.family} ${t.name}`;
    for (const chain of t.chains) {
      if (chain.rules.length === 0) continue;
      const place = chainWords(table, chain.name);
      c.add(nftKey(file, n, place), { kind: 'chain', node: n.name, place, text: '', span: null });
      for (const [i, r] of chain.rules.entries()) {
        const at = nftPlace(table, chain.name, i + 1);
        c.add(nftKey(file, n, at), { kind: 'rule', node: n.name, place: at, text: r.text.replace(/\s+/g, ' '), span: null });
      }
    }
  }
}
/** A chain was met when a rule of it matched or its end was reached. */
function meetNft(c: Collector, file: string, n: NodeState, r: RuleRef): void {
  const table = tableOfRule(r);
  c.meet(nftKey(file, n, chainWords(table, r.chain)));
  c.meet(nftKey(file, n, nftPlace(table, r.chain, r.num)));
}

const entryKey = (file: string, n: NodeState, set: string, text: string): string => `entry ${file} ${n.name} ${set} ${text}`;

function meetRule(c: Collector, file: string, n: NodeState, set: XtRuleset | null, { table, chain: name, num }: RuleRef): void {
  const chain = byName(byName(set?.tables ?? [], table)?.chains ?? [], name);
  if (!set || !chain || num > chain.rules.length) return;
  const rule = chain.rules.at(num - 1);
  c.meet(ruleKey(file, n, set.family, `${table}:${name}:${num}`, placeOf(rule.span)));
  const t = rule.target;
  if (t.kind === 'jump' || t.kind === 'goto') c.meet(chainKey(file, n, set, table, t.chain));
}

/** An entry was met when a set of it alone says yes to one of the members asked for; a `nomatch` entry, when it would have without that word. */
function meetEntries(c: Collector, file: string, n: NodeState | undefined, name: string, asked: Asked): void {
  const set = byName(n?.sets ?? [], name);
  if (!n || !set || set.members.size > MAX_ENTRIES || set.create.type === 'list:set') return;
  for (const text of set.members.text()) {
    const key = entryKey(file, n, name, text);
    if (c.items.get(key)?.met) continue;
    const exception = / nomatch\b/.test(text);
    const table = new SetTable([makeSet(set.create, emptyMembers(paramsOf(set.create)))]);
    table.addText(name, exception ? text.replace(/ nomatch\b/, '') : text);
    if ([...(exception ? asked.misses : asked.hits)].some((m) => saysYes(table, name, m))) c.meet(key);
  }
}

function saysYes(table: SetTable, name: string, member: string): boolean {
  try {
    return table.test(name, member, []);
  } catch (e) {
    if (e instanceof IpsetError) return false;
    throw e;
  }
}
