/** A row of the hook table: what runs at (family, point) and in which order. The hook table (hooks.ts) sorts rows as the kernel sorts nf_hook_ops. */
import type { PacketCtx } from '../netfilter/pred.js';
import type { NodeState } from '../scenario/model.js';
import type { HookPoint } from '../trace/event.js';
import type { Flight, HookVerdict } from './flight.js';
import type { Kernel } from './kernel.js';

/** struct nf_hook_state: fixed when the hook starts. It is what rules see as well, with the skb at hand. */
export type HookState = { -readonly [K in keyof PacketCtx]: PacketCtx[K] };

/**
 * 'drop': the step has told and counted the drop itself (Kernel.drop). 'stolen': the skb is gone or went on by itself; the rest of the hook does not run.
 * 'okfn': accepted past the rest of this hook (a step that calls state->okfn and says NF_STOLEN, as ip_sabotage_in does).
 */
export type HookRun = (k: Kernel, f: Flight, h: HookState) => HookVerdict | 'okfn';

interface HookRow {
  readonly family: 'bridge' | 'ipv4' | 'ipv6' | 'arp' | 'netdev';
  readonly point: HookPoint;
  /** NF_IP_PRI_* / NF_BR_PRI_*: steps run in ascending order, equals in order of registration. */
  readonly priority: number;
  /** The kernel function. */
  readonly name: string;
  /** Is it registered on such a node? Absent: always. */
  readonly needed?: (given: NodeState) => boolean;
}

/** A step does the same on every node, or is made for a node's given state, with what it needs of it looked up once. */
export type HookStep = HookRow & ({ readonly run: HookRun } | { readonly bind: (given: NodeState) => HookRun });
