/** What the legacy TRACE target prints: one line before a rule acts; the end of a base chain is its policy (trace_packet() of ip_tables.c). */
import { packetView } from '../../packet/view.js';
import type { RuleRef } from '../../trace/event.js';
import type { PacketCtx } from '../pred.js';
import type { WalkChain, WalkRule, WalkTracer } from './walk.js';

/** Of one walk of a table. */
export class LegacyTracer implements WalkTracer {
  /** No target has run since the last line: the packet's bytes are those that it shows. */
  #unwritten = false;

  before(c: PacketCtx, r: WalkRule, chain: WalkChain): void {
    const ends = r.action.kind === 'verdict' && r.action.unconditional;
    this.#tell(c, c.rule as RuleRef, ends ? (chain.policy === null ? 'return' : 'policy') : 'rule');
  }
  after(_c: PacketCtx, r: WalkRule): void {
    if (r.action.kind === 'call') this.#unwritten = false;
  }
  end(c: PacketCtx, chain: WalkChain, isBase: boolean): void {
    if (!isBase) this.#tell(c, chain.end, chain.policy === null ? 'return' : 'policy');
  }
  policy(c: PacketCtx, base: WalkChain): void {
    this.#tell(c, base.end, 'policy');
  }

  #tell(c: PacketCtx, rule: RuleRef, kind: 'rule' | 'return' | 'policy'): void {
    // Tracing is a matter of iptables; ebtables rules leave no line.
    if (rule.backend === 'ebtables') return;
    const s = c.skb;
    const dev = c.hook === 'POSTROUTING' ? (c.out ?? c.in) : (c.in ?? c.out);
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
      view: packetView(s, this.#unwritten),
      macDev: dev?.name ?? null,
      macLinkType: dev?.linkType ?? '',
      macAt: s.macAt,
    });
    this.#unwritten = true;
  }
}
