/**
 * Where the missing parts of a node (NodeState.missing) decide: there the packet is inconclusive, naming the part. Rules that are not known are met at the
 * first hook of all, since any of them may have ended the packet or have switched on connection tracking.
 */
import { memoByIdentity } from '../base/memo.js';
import { missingWhat } from '../scenario/missing.js';
import type { MissingPart, NodeState } from '../scenario/model.js';
import type { PartKind } from '../scenario/parts.js';
import type { HookPoint } from '../trace/event.js';
import type { HookStep } from './hook-step.js';
import { Inconclusive } from './inconclusive.js';

const FIRST = -2147483648;

const sentence = (m: MissingPart): string => `not known of this node: ${missingWhat(m.kind)}; ${m.why}`;

const first = (n: NodeState, kinds: readonly PartKind[]): MissingPart | undefined => n.missing?.find((m) => kinds.includes(m.kind));

/** Why one of these parts is not known; null where all are. */
export function unknownOf(n: NodeState, ...kinds: PartKind[]): string | null {
  const m = first(n, kinds);
  return m ? sentence(m) : null;
}

/** Goes on only where none of the parts is missing. */
export function demand(n: NodeState, ...kinds: PartKind[]): void {
  if (n.missing === undefined) return;
  const why = unknownOf(n, ...kinds);
  if (why !== null) throw new Inconclusive(why);
}

/** What must be known at the first hook, by family. A bridge asks br_netfilter's sysctls there. */
const atEntry: readonly (readonly [HookStep['family'], readonly PartKind[]])[] = [
  ['ipv4', ['iptables', 'iptables-nft']],
  ['ipv6', ['ip6tables', 'ip6tables-nft']],
  ['bridge', ['ebtables', 'sysctl']],
];
const entries: readonly HookPoint[] = ['PREROUTING', 'OUTPUT'];

/** Steps of a node whose rules are not known. */
export const missingSteps = memoByIdentity((n: NodeState): readonly HookStep[] =>
  atEntry.flatMap(([family, kinds]) => {
    const m = first(n, kinds);
    if (!m) return [];
    return entries.map(
      (point): HookStep => ({
        family,
        point,
        priority: FIRST,
        name: 'missing part',
        run: (k, f, h) => k.inconclusive(sentence(m), k.packetCtx(f, f.skb.family, point, h.in, h.out)),
      }),
    );
  }),
);
