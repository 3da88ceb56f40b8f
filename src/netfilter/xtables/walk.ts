/**
 * The walker: ipt_do_table(), ip6t_do_table() and, for rules loaded by iptables-nft, nft_do_chain(). One loop with an explicit jump stack; it decides and
 * tells at once. The kernels' loops decide alike and differ in what a traced packet leaves: a WalkTracer.
 *
 *   rule matched      -> counters, tracer.before, the action, tracer.after
 *   RETURN / end      -> pop; from a base chain: the policy
 *   jump              -> push the rule behind it; goto does not
 */

import { packetView } from '../../packet/view.js';
import type { Recorder, RuleRef } from '../../trace/event.js';
import { type PacketCtx, test, whyNot } from '../pred.js';
import type { Action, CompiledChain } from './compile.js';
import type { RuleStep, TargetVerdict } from './extension.js';
import type { ChainIndex } from './index-chain.js';

/** What the walker walks; xtables and ebtables compile to it. */
export interface WalkRule {
  readonly steps: readonly RuleStep[];
  readonly action: Action;
  readonly ref: RuleRef;
  readonly unconditional: boolean;
}
export interface WalkChain {
  /** Null: a user chain, whose end returns. */
  readonly policy: 'ACCEPT' | 'DROP' | null;
  readonly rules: readonly WalkRule[];
  /** Number of rules. */
  readonly length: number;
  readonly end: RuleRef;
  /** Absent or null: every rule is tried. */
  readonly index?: ChainIndex | null;
}
export interface WalkTable<C extends WalkChain = WalkChain> {
  readonly byName: ReadonlyMap<string, C>;
}

/** Packets and bytes per rule of one run: [packets, bytes] pairs, the policy behind the last rule. */
export class ChainCounters<C extends WalkChain = CompiledChain> {
  readonly #counts = new Map<C, Float64Array>();
  of(chain: C): Float64Array {
    let a = this.#counts.get(chain);
    if (!a) {
      a = new Float64Array(2 * (chain.length + 1));
      this.#counts.set(chain, a);
    }
    return a;
  }
  entries(): Iterable<[C, Float64Array]> {
    return this.#counts;
  }
}

/** What a traced packet tells of one walk; called only where the packet is traced and someone records. */
export interface WalkTracer {
  /** A rule matched and has not acted yet. */
  before(c: PacketCtx, r: WalkRule, chain: WalkChain): void;
  /** It has acted; `verdict` as nft prints it. */
  after(c: PacketCtx, r: WalkRule, verdict: string): void;
  /** The end of a chain, base chains included. */
  end(c: PacketCtx, chain: WalkChain, isBase: boolean): void;
  policy(c: PacketCtx, base: WalkChain): void;
}

export type WalkVerdict = Exclude<TargetVerdict, 'CONTINUE'>;

function runStep(s: RuleStep, c: PacketCtx): boolean {
  switch (s.kind) {
    case 'test':
      return test(s.pred, c);
    case 'hotdrop':
      if (!test(s.pred, c)) return true;
      c.hotdrop = true;
      return false;
    case 'stateful':
      return s.test(c);
  }
}

function matches(r: WalkRule, c: PacketCtx): boolean {
  const { steps } = r;
  for (let i = 0; i < steps.length; i++) {
    const s = steps[i];
    if (!runStep(s, c)) {
      if (c.env.rec.verbose && c.env.rec.on) tellNoMatch(r, s, c);
      return false;
    }
  }
  return true;
}

function tellNoMatch(r: WalkRule, s: RuleStep, c: PacketCtx): void {
  const why = s.kind === 'test' ? whyNot(s.pred, c) : s.kind === 'stateful' ? [{ field: s.name, wanted: s.show, had: s.had?.(c) ?? '' }] : [];
  c.env.rec.event({ t: 'no-match', node: c.env.node, skb: c.skb.id, time: c.env.now(), rule: r.ref, why });
}

/** Runs one table at one hook. `c.rule` names the rule being evaluated while extensions run. */
export function walkTable<C extends WalkChain>(
  table: WalkTable<C>,
  chainName: string,
  c: PacketCtx,
  counters: ChainCounters<C>,
  tracer: WalkTracer = legacyTracer,
): WalkVerdict {
  const base = table.byName.get(chainName);
  if (!base) return 'ACCEPT';
  const rec = c.env.rec;
  // Verbose runs list the rules that were tried, so that all are.
  const all = rec.verbose && rec.on;
  const traced = (): boolean => rec.on && c.skb.nfTrace;
  const stack: Place<C>[] = [];
  let at = enter(base, c, all);
  c.hotdrop = false;
  for (;;) {
    const { chain } = at;
    const i = next(at);
    if (i >= chain.length) {
      if (traced()) tracer.end(c, chain, chain === base && stack.length === 0);
      const back = stack.pop();
      // A goto from a base chain that falls off its end continues at that base chain's policy.
      if (!back) return policy(base, c, counters, tracer);
      at = back;
      continue;
    }
    const r = chain.rules[i];
    c.rule = r.ref;
    if (!matches(r, c)) {
      if (c.hotdrop) return hotdrop(c, r, tracer);
      continue;
    }
    const counts = counters.of(chain);
    counts[2 * i]++;
    counts[2 * i + 1] += c.skb.data.length;
    rec.matched?.(r.ref, c.skb.id);
    if (traced()) tracer.before(c, r, chain);
    if (rec.on) tellMatch(r, c, rec);
    const a = r.action;
    switch (a.kind) {
      case 'fallthrough':
        if (traced()) tracer.after(c, r, 'continue');
        break;
      case 'verdict':
        if (traced()) tracer.after(c, r, a.verdict.toLowerCase());
        if (a.verdict !== 'RETURN') return a.verdict;
        {
          const back = stack.pop();
          if (!back) return policy(base, c, counters, tracer);
          at = back;
        }
        break;
      case 'jump': {
        const to = a.target.in(table, a.chain);
        if (!to) c.env.inconclusive(`jump to missing chain ${a.chain}`, c);
        if (traced()) tracer.after(c, r, `${a.goto ? 'goto' : 'jump'} ${a.chain}`);
        if (!a.goto) stack.push(at);
        at = enter(to, c, all);
        break;
      }
      case 'call': {
        const v = a.run(c);
        if (c.hotdrop) return hotdrop(c, r, tracer);
        if (traced()) tracer.after(c, r, v.toLowerCase());
        if (v !== 'CONTINUE') return v;
        break;
      }
      case 'unsupported':
        return c.env.inconclusive(a.what, c);
    }
  }
}

/** Where a walk stands in a chain: at the rule `next`, or at the candidate of that number where an index has named some. */
interface Place<C extends WalkChain> {
  readonly chain: C;
  readonly candidates: Int32Array | null;
  next: number;
}

const enter = <C extends WalkChain>(chain: C, c: PacketCtx, all: boolean): Place<C> => ({
  chain,
  candidates: all ? null : (chain.index?.candidates(c) ?? null),
  next: 0,
});

/** The place of the next rule to try, and a step ahead; the chain's length at its end. */
function next(p: Place<WalkChain>): number {
  const n = p.next++;
  if (p.candidates === null) return n;
  return n < p.candidates.length ? p.candidates[n] : p.chain.length;
}

function hotdrop(c: PacketCtx, r: WalkRule, tracer: WalkTracer): WalkVerdict {
  c.hotdrop = false;
  if (c.skb.nfTrace && c.env.rec.on) tracer.after(c, r, 'drop');
  return 'DROP';
}

/** The base chain's policy: a rule of its own in the blob of xtables, traced and counted as rule N+1. */
function policy<C extends WalkChain>(base: C, c: PacketCtx, counters: ChainCounters<C>, tracer: WalkTracer): WalkVerdict {
  const counts = counters.of(base);
  counts[2 * base.length]++;
  counts[2 * base.length + 1] += c.skb.data.length;
  c.rule = base.end;
  if (c.skb.nfTrace && c.env.rec.on) tracer.policy(c, base);
  if (c.env.rec.on) c.env.rec.event({ t: 'policy', node: c.env.node, skb: c.skb.id, time: c.env.now(), rule: base.end, policy: base.policy ?? 'ACCEPT' });
  return base.policy ?? 'ACCEPT';
}

/** What the legacy TRACE target prints: one line before a rule acts; the end of a base chain is its policy. */
const legacyTracer: WalkTracer = {
  before: (c, r, chain) => tellTrace(c, r.ref, r.unconditional ? (chain.policy === null ? 'return' : 'policy') : 'rule'),
  after: () => {},
  end(c, chain, isBase) {
    if (!isBase) tellTrace(c, chain.end, chain.policy === null ? 'return' : 'policy');
  },
  policy: (c, base) => tellTrace(c, base.end, 'policy'),
};

function tellMatch(r: WalkRule, c: PacketCtx, rec: Recorder): void {
  const a = r.action;
  const verdict = a.kind === 'verdict' ? a.verdict : a.kind === 'jump' ? `${a.goto ? 'goto' : 'jump'} ${a.chain}` : a.kind === 'call' ? a.name : 'continue';
  rec.event({ t: 'match', node: c.env.node, skb: c.skb.id, time: c.env.now(), rule: r.ref, verdict });
}

/** trace_packet() of ip_tables.c: what the legacy TRACE target prints. */
function tellTrace(c: PacketCtx, rule: RuleRef, kind: 'rule' | 'return' | 'policy'): void {
  // Tracing is a matter of iptables; ebtables rules leave no line.
  if (rule.backend === 'ebtables') return;
  const s = c.skb;
  c.env.rec.event({
    t: 'trace',
    node: c.env.node,
    skb: s.id,
    time: c.env.now(),
    rule,
    kind,
    in: c.in?.name ?? '',
    out: c.out?.name ?? '',
    physin: s.nfBridge?.physindev.name ?? '',
    physout: s.nfBridge?.physoutdev?.name ?? '',
    view: packetView(s),
    macDev: (c.in ?? c.out)?.name ?? null,
    macLinkType: (c.in ?? c.out)?.linkType ?? '',
  });
}
