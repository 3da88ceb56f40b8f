/** What a table's verdict means to its hook (nf_hook_slow): accepted, dropped and counted, queued. */
import type { PacketCtx } from '../netfilter/pred.js';
import type { Queued } from '../netfilter/xtables/extension.js';
import type { WalkVerdict } from '../netfilter/xtables/walk.js';
import type { RuleRef } from '../trace/event.js';
import type { Flight, HookVerdict } from './flight.js';
import type { HookState } from './hook-step.js';
import type { Kernel } from './kernel.js';
import { unknownOf } from './missing.js';

const EPERM = 1;

/** NF_DROP of a step: the hook frees the packet, the caller gets -EPERM. */
function dropped(k: Kernel, f: Flight, rule: RuleRef | null, isPolicy: boolean): 'drop' {
  f.errno = EPERM;
  const nft = rule?.backend === 'nft' || rule?.backend === 'nftables';
  k.drop(f.skb, 'NETFILTER_DROP', nft ? 'nft_do_chain' : 'nf_hook_slow', isPolicy ? 'policy-drop' : 'rule-drop', {}, rule);
  return 'drop';
}

/** nf_queue(): to who listens, whose answer is not known; where nobody does it is dropped (the sender hears of no error) or bypasses the queue. */
function queued(k: Kernel, f: Flight, c: PacketCtx, q: Queued): HookVerdict {
  const heard = k.given.nfQueues;
  if (heard === null) {
    const why = unknownOf(k.given, 'nfqueue') ?? 'not known of this node: which queues a program listens to (nfnetlink_queue)';
    return k.inconclusive(`queue ${q.queue}: ${why}`, c);
  }
  if (heard.includes(q.queue)) return k.inconclusive(`queue ${q.queue}: a program in user space decides`, c);
  if (q.bypass) return 'accept';
  k.drop(f.skb, 'NOT_SPECIFIED', 'nf_queue', 'queue-unheard', { queue: q.queue }, c.rule);
  return 'drop';
}

export function settle(k: Kernel, f: Flight, c: PacketCtx, v: WalkVerdict): HookVerdict {
  switch (v) {
    case 'ACCEPT':
      return 'accept';
    case 'STOLEN':
      return 'stolen';
    case 'DROP':
      return dropped(k, f, c.rule, c.rule !== null && k.isPolicyRef(c.rule));
    default:
      return queued(k, f, c, v);
  }
}

/** The state of the hook as a table sees it: a step before may have put another skb in the packet's place (defragmentation). */
export function at(h: HookState, f: Flight): PacketCtx {
  h.skb = f.skb;
  h.rule = null;
  return h;
}

/** What OUTPUT may change that asks for a new route. */
const routeKey = ({ skb: s }: Flight): string => `${s.saddr}\0${s.daddr}\0${s.mark}\0${s.tos}${s.family === 'ipv6' ? `\0${s.ttl}\0${s.u32(0)}` : ''}`;

/**
 * A walk in OUTPUT behind which a packet whose mark, addresses or TOS changed is routed again (ipt_mangle_out, nf_route_table_hook4); `queuedToo`: also one that goes to a
 * queue, before it gets there.
 */
export function rerouting(
  walk: (k: Kernel, c: PacketCtx) => WalkVerdict,
  reroute: (k: Kernel, f: Flight) => HookVerdict,
  queuedToo: boolean,
): (k: Kernel, f: Flight, h: HookState) => HookVerdict {
  return (k, f, h) => {
    const before = routeKey(f);
    const c = at(h, f);
    const v = walk(k, c);
    const goesOn = v === 'ACCEPT' || (queuedToo && typeof v !== 'string');
    const rerouted = goesOn && routeKey(f) !== before ? reroute(k, f) : 'accept';
    return rerouted === 'accept' ? settle(k, f, c, v) : rerouted;
  };
}
