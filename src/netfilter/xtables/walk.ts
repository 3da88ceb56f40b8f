/**
 * The walker: ipt_do_table(), ip6t_do_table() and, for rules loaded by iptables-nft, nft_do_chain(). One loop with an explicit jump stack; it decides and
 * tells at once. The kernels' loops decide alike and differ in what a traced packet leaves: a WalkTracer.
 *
 *   rule matched      -> counters, tracer.before, the action, tracer.after
 *   RETURN / end      -> pop; from a base chain: the policy
 *   jump              -> push the rule behind it; goto does not
 */

import { type Event, hears, type Recorder, type RuleRef, type WhyNot } from '../../trace/event.js';
import { type PacketCtx, test, whyNot } from '../pred.js';
import type { Acting, Action } from './action.js';
import type { Ask, Asked } from './ask.js';
import type { RuleCounters, TableCounters } from './counters.js';
import type { Queued, TargetVerdict } from './extension.js';
import type { Candidates, ChainIndex } from './index-chain.js';
import { LegacyTracer } from './trace.js';

/** What the walker walks; xtables and ebtables compile to it. */
export interface WalkRule extends Asked {
  readonly action: Action;
  /** null: nobody has asked for it yet (WalkChain.named). */
  readonly ref: RuleRef | null;
  /** The rule behind it. */
  readonly next: WalkRule | null;
}
export interface WalkChain {
  /** Slot of its first rule among the table's counters; the slot behind the last rule is its policy's. */
  readonly at: number;
  /** Null: a user chain, whose end returns. */
  readonly policy: 'ACCEPT' | 'DROP' | null;
  readonly rules: readonly WalkRule[];
  /** Where a walk through all of them starts, from rule to rule. */
  readonly first: WalkRule | null;
  /** Number of rules. */
  readonly length: number;
  readonly end: RuleRef;
  /** Names the rule, which stands at that place. */
  named(rule: WalkRule, place: number): RuleRef;
  /** Absent or null: every rule is tried. */
  readonly index?: ChainIndex | null;
}
export interface WalkTable<C extends WalkChain = WalkChain> {
  /** Of all chains: a slot for each rule and one for each policy. */
  readonly slots: number;
  /** undefined: the table has no chain of that name. */
  chain(name: string): C | undefined;
}

/** What a traced packet tells of one walk; called only where the packet is traced and someone records. */
export interface WalkTracer {
  /** A rule (`c.rule`) matched and has not acted yet. */
  before(c: PacketCtx, r: WalkRule, chain: WalkChain): void;
  /** It has acted; `verdict` as nft prints it. */
  after(c: PacketCtx, r: WalkRule, verdict: string): void;
  /** The end of a chain, base chains included. */
  end(c: PacketCtx, chain: WalkChain, isBase: boolean): void;
  policy(c: PacketCtx, base: WalkChain): void;
}

export type WalkVerdict = Exclude<TargetVerdict, 'CONTINUE'>;

/** The verdict QUEUE, which names no queue. */
const QUEUE_0: Queued = { queue: 0, bypass: false };
const NF_QUEUE = 3;
const NF_VERDICT_FLAG_QUEUE_BYPASS = 0x8000;

/** A verdict as nf_tables tells it: one of queue 0 by its name, of others as a number of 32 bits with a sign (NF_QUEUE_NR). */
function verdictWord(v: TargetVerdict): string {
  if (typeof v === 'string') return v.toLowerCase();
  const code = (v.queue << 16) | (v.bypass ? NF_VERDICT_FLAG_QUEUE_BYPASS : 0) | NF_QUEUE;
  return code === NF_QUEUE ? 'queue' : String(code);
}

function says(a: Ask, c: PacketCtx): boolean {
  switch (a.op) {
    case 'hotdrop':
      if (!test(a.pred, c)) return true;
      c.hotdrop = true;
      return false;
    case 'stateful':
      return a.test(c);
    default:
      return test(a, c);
  }
}

/** The question that the packet fails, null where it matches. */
function failed(r: WalkRule, c: PacketCtx): Ask | null {
  const { first, second, rest } = r;
  if (first !== null && !says(first, c)) return first;
  if (second !== null && !says(second, c)) return second;
  for (let i = 0; i < rest.length; i++) if (!says(rest[i], c)) return rest[i];
  return null;
}

function tellNoMatch(a: Ask, c: PacketCtx): void {
  const why = a.op === 'stateful' ? [{ field: a.name, wanted: a.show, had: a.had?.(c) ?? '' }] : a.op === 'hotdrop' ? [] : whyNot(a, c);
  c.env.rec.event(noMatch(c, why));
}
const noMatch = (c: PacketCtx, why: readonly WhyNot[]): Event => ({
  t: 'no-match',
  node: c.env.node,
  skb: c.skb.id,
  time: c.env.now(),
  rule: c.rule as RuleRef,
  why,
});

/**
 * Runs one table at one hook. `c.rule` names the rule being evaluated while extensions run. Where it stands is in six variables: the chain and its first slot, the rules that
 * the packet may match at all (null: every rule), which of these is next and, where it is every rule, that rule itself, and the place behind the last jump.
 */
export function walkTable<C extends WalkChain>(
  table: WalkTable<C>,
  chainName: string,
  c: PacketCtx,
  counters: RuleCounters<WalkTable<C>>,
  tracer: WalkTracer | null = null,
): WalkVerdict {
  const base = table.chain(chainName);
  return base ? walkChain(table, base, c, counters.of(table), tracer) : 'ACCEPT';
}

/** The same from a base chain at hand, with the table's counters. */
export function walkChain<C extends WalkChain>(
  table: WalkTable<C>,
  base: C,
  c: PacketCtx,
  counts: TableCounters,
  tracer: WalkTracer | null = null,
): WalkVerdict {
  const { rec } = c.env;
  const tells = hears(rec, 'trace') ? (tracer ?? new LegacyTracer()) : null;
  // Verbose runs list the rules that were tried, so that all are.
  const all = rec.verbose && rec.on;
  let back: Place<C> | null = null;
  let chain = base;
  let at = base.at;
  let candidates = candidatesOf(base.index, c, all);
  let next = 0;
  let upcoming = candidates === null ? base.first : null;
  c.hotdrop = false;
  for (;;) {
    const i = candidates === null ? next : (chain.index as ChainIndex).place(candidates, next);
    const r = candidates === null ? upcoming : i < 0 ? null : chain.rules[i];
    next++;
    if (r === null) {
      if (tells !== null && c.skb.nfTrace) tells.end(c, chain, back === null && chain === base);
      // A goto from a base chain that falls off its end continues at that base chain's policy.
      if (back === null) return policy(base, c, counts, tells);
      ({ chain, candidates, next, upcoming, back } = back);
      at = chain.at;
      continue;
    }
    upcoming = r.next;
    const ref = r.ref ?? chain.named(r, i);
    c.rule = ref;
    const no = failed(r, c);
    if (no !== null) {
      if (all) tellNoMatch(no, c);
      if (c.hotdrop) return hotdrop(c, r, tells);
      continue;
    }
    let a: Action = r.action;
    if (a.kind === 'pick') {
      const picked = a.pick(c);
      if (picked === null) {
        if (all) c.env.rec.event(noMatch(c, [{ field: a.name, wanted: 'a key of the map', had: a.had(c) }]));
        continue;
      }
      a = picked;
    }
    counts.count(at + i, c.skb.data.length);
    rec.matched?.(ref, c.skb.id);
    if (tells !== null) {
      if (c.skb.nfTrace) tells.before(c, r, chain);
      if (rec.on) tellMatch(a, ref, c, rec);
    }
    // A match that negates may hold for what it drops (ipt_do_table() looks at hotdrop when the rule is done).
    if (c.hotdrop && a.kind !== 'call') return hotdrop(c, r, tells);
    switch (a.kind) {
      case 'fallthrough':
        if (tells !== null && c.skb.nfTrace) tells.after(c, r, 'continue');
        break;
      case 'verdict': {
        if (tells !== null && c.skb.nfTrace) tells.after(c, r, a.verdict.toLowerCase());
        if (a.verdict === 'QUEUE') return QUEUE_0;
        if (a.verdict !== 'RETURN') return a.verdict;
        if (back === null) return policy(base, c, counts, tells);
        ({ chain, candidates, next, upcoming, back } = back);
        at = chain.at;
        break;
      }
      case 'jump': {
        const to = a.in(table);
        if (!to) c.env.inconclusive(`jump to missing chain ${a.chain}`, c);
        if (tells !== null && c.skb.nfTrace) tells.after(c, r, `${a.goto ? 'goto' : 'jump'} ${a.chain}`);
        if (!a.goto) back = { chain, candidates, next, upcoming, back };
        chain = to;
        ({ at } = a);
        candidates = candidatesOf(a.index, c, all);
        next = 0;
        upcoming = candidates === null ? a.first : null;
        break;
      }
      case 'call': {
        const v = a.run(c, a.data);
        if (c.hotdrop) return hotdrop(c, r, tells);
        if (tells !== null && c.skb.nfTrace) tells.after(c, r, verdictWord(v));
        if (v !== 'CONTINUE') return v;
        break;
      }
      case 'unsupported':
        return c.env.inconclusive(a.what, c);
    }
  }
}

/** Where a walk goes on after a jump, and after the jump before. */
interface Place<C extends WalkChain> {
  readonly back: Place<C> | null;
  readonly chain: C;
  readonly candidates: Candidates | null;
  readonly next: number;
  readonly upcoming: WalkRule | null;
}

const candidatesOf = (index: ChainIndex | null | undefined, c: PacketCtx, all: boolean): Candidates | null => (all || !index ? null : index.candidates(c));

function hotdrop(c: PacketCtx, r: WalkRule, tells: WalkTracer | null): WalkVerdict {
  c.hotdrop = false;
  if (tells !== null && c.skb.nfTrace) tells.after(c, r, 'drop');
  return 'DROP';
}

/** The base chain's policy: a rule of its own in the blob of xtables, traced and counted as rule N+1. */
function policy(base: WalkChain, c: PacketCtx, counts: TableCounters, tells: WalkTracer | null): WalkVerdict {
  counts.count(base.at + base.length, c.skb.data.length);
  c.rule = base.end;
  if (tells !== null && c.skb.nfTrace) tells.policy(c, base);
  if (c.env.rec.on) c.env.rec.event({ t: 'policy', node: c.env.node, skb: c.skb.id, time: c.env.now(), rule: base.end, policy: base.policy ?? 'ACCEPT' });
  return base.policy ?? 'ACCEPT';
}

function tellMatch(a: Acting, rule: RuleRef, c: PacketCtx, rec: Recorder): void {
  const verdict = a.kind === 'verdict' ? a.verdict : a.kind === 'jump' ? `${a.goto ? 'goto' : 'jump'} ${a.chain}` : a.kind === 'call' ? a.name : 'continue';
  rec.event({ t: 'match', node: c.env.node, skb: c.skb.id, time: c.env.now(), rule, verdict });
}
