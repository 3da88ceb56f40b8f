/** Are two texts of a rule of nftables the same rule? Releases and options of nft (-n, -s, -S) spell numbers, names, counters and sets in their own ways. */
import { protocolNumber, servicePort } from '../../base/well-known.js';

/** What a rule has counted or used up, and the handle. */
const COUNTED = /\bpackets \d+ bytes \d+|\bused \d+ [a-z]*bytes|\blast used \S+|# handle \d+/g;
/** What nft adds by itself in front of what follows from it, and leaves out when it prints. */
const IMPLIED = /\bmeta (l4proto|nfproto) [^\s{]+ (?=\S)/g;
const TOKEN = /"[^"]*"|[{},]|[^\s{},"]+/g;

export const sameNftWords = (a: string, b: string): boolean => a === b || normal(a) === normal(b) || normal(bare(a)) === normal(bare(b));

const bare = (text: string): string => text.replace(IMPLIED, '');

/** A log has few different rules and many lines. */
const known = new Map<string, string>();
const MOST_KNOWN = 4096;

function normal(text: string): string {
  let out = known.get(text);
  if (out === undefined) {
    out = sequence(text.replace(COUNTED, '').match(TOKEN) ?? [], { i: 0 });
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(text, out);
  }
  return out;
}

/** Elements of a set stand in any order. */
function sequence(tokens: readonly string[], at: { i: number }): string {
  const out: string[] = [];
  while (at.i < tokens.length) {
    const t = tokens[at.i++];
    if (t === '}') return out.join(' ');
    if (t !== '{') {
      out.push(word(t));
      continue;
    }
    const inner = sequence(tokens, at).split(' , ');
    out.push('{', inner.sort().join(' , '), '}');
  }
  return out.join(' ');
}

/** Numbers in decimal; names of services and protocols as their numbers, wherever they stand: on both sides alike. */
function word(t: string): string {
  if (t.startsWith('"')) return t.slice(1, -1);
  const parts = t.split('-');
  if (parts.every((x) => /^(0x[0-9a-f]{1,12}|\d{1,15})$/i.test(x))) return parts.map(Number).join('-');
  return String(servicePort(t, null) ?? protocolNumber(t) ?? t);
}
