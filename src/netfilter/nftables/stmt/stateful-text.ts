/** Reading statements that keep something, as they stand beside elements of sets. */
import type { NftScope } from '../expr.js';
import { NftError, NftTokens } from '../tokens.js';
import { parseConnlimit } from './connlimit.js';
import { parseCounter } from './counter.js';
import { parseLast } from './last.js';
import { parseLimit } from './limit.js';
import { parseQuota } from './quota.js';
import type { Stateful, StatefulParser } from './stateful.js';

/** What follows the word. */
export const PARSERS: ReadonlyMap<string, StatefulParser> = new Map<string, StatefulParser>([
  ['counter', parseCounter],
  ['limit', parseLimit],
  ['quota', parseQuota],
  ['last', parseLast],
]);
/** Those that follow each other from here on. `s`: where needs are noted. */
export function parseStatefuls(t: NftTokens, s: NftScope | null): readonly Stateful[] {
  const out: Stateful[] = [];
  for (;;) {
    const word = t.peek();
    const parse = word.kind === 'word' ? PARSERS.get(word.text) : undefined;
    if (parse) {
      t.next();
      out.push(parse(t));
    } else if (t.take('ct')) {
      t.expect('count');
      s?.needs.add('conntrack');
      out.push(parseConnlimit(t));
    } else return out;
  }
}

/** Those of a text: what stands beside an element or in the definition of a set. Throws NftError. */
export function statefulsIn(text: string): readonly Stateful[] {
  const t = new NftTokens(text);
  t.nested = 1;
  const all = parseStatefuls(t, null);
  if (t.peek().kind !== 'end') throw new NftError(`“${t.peek().text}” is not known here`, t.peek());
  return all;
}
