/** Connection tracking entries that a log implies but does not show the making of. */
import { type CtEntry, entryOf, insertEntry } from '../../netfilter/conntrack/entry.js';
import { DEFAULT_ZONE } from '../../netfilter/conntrack/index.js';
import { invertTuple, packetTuple, tupleEqual } from '../../netfilter/conntrack/tuple.js';
import { IPPROTO } from '../../packet/skb.js';
import type { Tuple } from '../../packet/types.js';
import type { NodeRun } from '../../stack/node-run.js';
import { packetBytes } from './packet.js';
import type { LoggedWalk } from './walks.js';

/**
 * What is assumed of a packet's flow: it was there before, and this packet is of its original or its reply direction; its answer was seen unlogged; or what
 * earlier packets of the log left of it was gone (timed out, deleted).
 */
export type FlowBefore = 'original' | 'reply' | 'answered' | 'gone';

const LONG = 300;

function tupleOf(w: LoggedWalk, which: 'first' | 'last'): Tuple | null {
  const p = (which === 'first' ? w.lines[0] : w.lines[w.lines.length - 1]).packet;
  return packetTuple(packetBytes(p), 0, p.family);
}

/** Puts what is assumed into the node's table; an entry that is in the way goes. */
export function assumeFlow(node: NodeRun, w: LoggedWalk, walks: readonly LoggedWalk[], how: FlowBefore): void {
  const seen = tupleOf(w, 'first');
  if (seen === null) return;
  const known = [...node.conntrack.entries()].find((c) => tupleEqual(c.orig, seen) || tupleEqual(c.reply, seen));
  if (how === 'gone') {
    if (known) node.conntrack.delete(known);
    return;
  }
  const entry = how === 'answered' ? known && answered(entryOf(known, node.now())) : fromBefore(w, walks, seen, how);
  if (!entry) return;
  if (known) node.conntrack.delete(known);
  insertEntry(node.conntrack, entry);
}

const STATED = { timeout: LONG, unreplied: false, assured: true, mark: 0, zone: DEFAULT_ZONE, acct: null, secctx: null, helper: null, use: 1 };
const stateOf = (t: Tuple): string | null => (t.proto === IPPROTO.TCP ? 'ESTABLISHED' : null);

const answered = (e: CtEntry): CtEntry => ({ ...e, timeout: LONG, unreplied: false, assured: true, state: stateOf(e.orig) });

/** The other direction's addresses are those behind NAT: of a packet of that direction in the log, else of this one after its own NAT. */
function fromBefore(w: LoggedWalk, walks: readonly LoggedWalk[], seen: Tuple, how: 'original' | 'reply'): CtEntry | null {
  const translated = tupleOf(w, 'last');
  const back = translated && invertTuple(translated);
  if (!translated || !back) return null;
  const other = walks.map((o) => [tupleOf(o, 'first'), tupleOf(o, 'last')] as const).find(([f, l]) => f && l && answers(translated, seen, f, l))?.[0] ?? back;
  return { ...STATED, orig: how === 'original' ? seen : other, reply: how === 'original' ? other : seen, state: stateOf(seen) };
}

/** Does a packet that came as `first` and left as `last` answer the one that came as `seen` and left as `left`? */
function answers(left: Tuple, seen: Tuple, first: Tuple, last: Tuple): boolean {
  const icmp = seen.proto === IPPROTO.ICMP || seen.proto === IPPROTO.ICMPV6;
  if (first.proto !== seen.proto || first.src !== left.dst || last.dst !== seen.src) return false;
  return icmp ? invertTuple(left)?.dport === first.dport : first.sport === left.dport && last.dport === seen.sport;
}
