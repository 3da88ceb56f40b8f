/** `queue`, `queue flags bypass,fanout to 1-3`, `queue to numgen inc mod 2` (nft_queue.c): hands the packet to a program, or drops it where none listens. */
import type { PacketCtx } from '../../pred.js';
import { callAction } from '../../xtables/action.js';
import { queueOf } from '../../xtables/target/NFQUEUE.js';
import { rangeOf } from '../elements.js';
import { parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { integer } from '../types.js';

const QUEUE = integer(16);

function parseFlags(t: NftTokens): readonly string[] {
  const flags: string[] = [];
  do {
    const f = t.take('bypass', 'fanout');
    if (!f) throw new NftError('“bypass” or “fanout” is expected', t.peek());
    flags.push(f);
  } while (t.take(','));
  return flags;
}

function parse(t: NftTokens, s: StmtScope): NftStep {
  const flags: string[] = [];
  let to: (c: PacketCtx) => number | undefined = () => 0;
  for (;;) {
    if (t.take('flags') || t.is('bypass', 'fanout')) flags.push(...parseFlags(t));
    else if (t.take('num', 'to')) to = parseQueue(t, s, () => flags.includes('fanout'));
    else break;
  }
  const bypass = flags.includes('bypass');
  const pick = (c: PacketCtx) => {
    const queue = to(c);
    return queue === undefined ? null : callAction('queue', () => ({ queue, bypass }));
  };
  return { kind: 'action', action: { kind: 'pick', name: 'queue', pick, had: () => 'none' } };
}

/** A number, a range, or an expression. */
function parseQueue(t: NftTokens, s: StmtScope, fanout: () => boolean): (c: PacketCtx) => number | undefined {
  if (/^\d/.test(t.peek().text)) {
    const { lo, hi } = rangeOf(t, QUEUE);
    return (c) => queueOf({ first: lo as number, last: hi as number, cpuFanout: fanout() }, c);
  }
  const e = parseExpr(t, s);
  return (c) => {
    const v = e.one(c);
    return v === undefined ? undefined : (v as number) & 0xffff;
  };
}

export const queue: NftStmtDef = {
  words: ['queue'],
  kernel: 'net/netfilter/nft_queue.c',
  parse: (t, _, s) => parse(t, s),
};
