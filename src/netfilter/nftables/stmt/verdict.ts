/** `accept`, `drop`, `jump CHAIN`, and `KEY vmap @map`. */
import { type Acting, FALL_THROUGH, Jump, verdictAction } from '../../xtables/action.js';
import { type NftVerdict, parseVerdict } from '../elements.js';
import type { NftStmtDef } from '../stmt.js';

const CODES = { accept: 'ACCEPT', drop: 'DROP', return: 'RETURN', queue: 'QUEUE' } as const;

export function actionOf(v: NftVerdict): Acting {
  if (v.code === 'jump' || v.code === 'goto') return new Jump(v.chain, v.code === 'goto');
  return v.code === 'continue' ? FALL_THROUGH : verdictAction(CODES[v.code]);
}

export const verdict: NftStmtDef = {
  words: ['accept', 'drop', 'continue', 'return', 'jump', 'goto'],
  kernel: 'net/netfilter/nft_immediate.c',
  parse: (t, word, s) => {
    t.reset(s.from);
    const v = parseVerdict(t);
    if (!v) throw new Error(`${word} is no verdict`);
    if (v.code === 'jump' || v.code === 'goto') s.chain(v.chain);
    return { kind: 'action', action: actionOf(v) };
  },
};
