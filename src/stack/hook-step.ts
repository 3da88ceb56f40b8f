/** A row of the hook table: what runs at (family, point) and in which order. The hook table (hooks.ts) sorts rows as the kernel sorts nf_hook_ops. */
import type { NetDevice } from '../packet/types.js';
import type { NodeState } from '../scenario/model.js';
import type { HookPoint } from '../trace/event.js';
import type { Flight, HookVerdict } from './flight.js';
import type { Kernel } from './kernel.js';

/** struct nf_hook_state as far as steps read it: fixed when the hook starts. */
export interface HookState {
  readonly indev: NetDevice | null;
  readonly outdev: NetDevice | null;
  readonly point: HookPoint;
}

export interface HookStep {
  readonly family: 'bridge' | 'ipv4' | 'ipv6' | 'arp';
  readonly point: HookPoint;
  /** NF_IP_PRI_* / NF_BR_PRI_*: steps run in ascending order, equals in order of registration. */
  readonly priority: number;
  /** The kernel function. */
  readonly name: string;
  /** Is it registered on such a node? Absent: always. */
  readonly needed?: (given: NodeState) => boolean;
  /**
   * 'drop': the step has told and counted the drop itself (Kernel.drop). 'stolen': the skb is gone or went on by itself; the rest of the hook does not run.
   * 'okfn': accepted past the rest of this hook (a step that calls state->okfn and says NF_STOLEN, as ip_sabotage_in does).
   */
  readonly run: (k: Kernel, f: Flight, h: HookState) => HookVerdict | 'okfn';
  /** The same step of one given node, with what it needs of its rules looked up once; absent: `run` as it is. */
  readonly bind?: (given: NodeState) => HookStep['run'];
}
