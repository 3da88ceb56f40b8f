/**
 * What nf_tables tells of a traced packet (nf_tables_trace.c): a rule after it has acted, with verdict and the mark that the packet has then; the end of
 * every chain; the policy. The packet is shown once per base chain, as it is at the first thing told there.
 */

import type { Skb } from '../../packet/skb.js';
import { packetView } from '../../packet/view.js';
import type { PacketView, RuleRef } from '../../trace/event.js';
import type { PacketCtx } from '../pred.js';
import type { WalkChain, WalkRule, WalkTracer } from '../xtables/walk.js';
import type { Handles } from './handles.js';

/**
 * Stands for nft_trace_init()'s hash of buffer address, flow hash and skb_iif: the same packet with another input device is another trace, a reassembled or
 * encapsulated one may go on with the trace of what it was.
 */
const nftTraceId = (s: Skb): number => (Math.imul(s.traceId || s.id, 0x9e3779b1) ^ Math.imul(s.iif, 0x85ebca6b)) >>> 0;

/** struct nft_traceinfo: made per base chain walked. */
export class NftTracer implements WalkTracer {
  #view: PacketView | null = null;

  /** `handles`: of iptables-nft; rules of nft itself know theirs. */
  constructor(readonly handles: Handles | null) {}

  before(): void {}
  after(c: PacketCtx, _r: WalkRule, verdict: string): void {
    const ref = c.rule as RuleRef;
    const handle = ref.handle ?? this.handles?.of(ref);
    this.#tell(c, handle === undefined ? ref : { ...ref, handle }, 'rule', verdict, null);
  }
  end(c: PacketCtx, chain: WalkChain): void {
    this.#tell(c, chain.end, 'end', 'continue', null);
  }
  policy(c: PacketCtx, base: WalkChain): void {
    this.#tell(c, base.end, 'policy', '', base.policy === 'DROP' ? 'drop' : 'accept');
  }

  #tell(c: PacketCtx, rule: RuleRef, kind: 'rule' | 'end' | 'policy', verdict: string, policy: string | null): void {
    const { skb, env } = c;
    const withPacket = this.#view === null;
    this.#view ??= packetView(skb);
    env.rec.event({
      t: 'nft-trace',
      node: env.node,
      skb: skb.id,
      time: env.now(),
      rule,
      kind,
      traceId: nftTraceId(skb),
      verdict,
      policy,
      in: c.in?.name ?? '',
      out: c.out?.name ?? '',
      mark: skb.mark,
      view: this.#view,
      withPacket,
    });
  }
}
