/** Statements of a block, and elements of a set, as the texts that they are. */
import { NftError, type NftToken, NftTokens } from './tokens.js';

/** The text with jumps to a chain under its new name. */
export function jumpsTo(text: string, from: string, to: string): string {
  if (!text.includes(from)) return text;
  const jump = new RegExp(`("[^"]*")|\\b(jump|goto)(\\s+)${from.replace(/[^\w]/g, '\\$&')}(?![\\w./-])`, 'g');
  return text.replace(jump, (all, quoted, verb, blank) => (quoted === undefined ? `${verb}${blank}${to}` : all));
}

/** What stands between new lines and semicolons outside of braces, without blanks around it. */
export function statementsOf(block: string): string[] {
  const t = new NftTokens(block);
  const out: string[] = [];
  let from = -1;
  let to = 0;
  for (let depth = 0; ; ) {
    const token = t.next();
    const ends = token.kind === 'end' || (depth === 0 && (token.kind === 'newline' || (token.kind === 'punct' && token.text === ';')));
    if (ends && from >= 0) out.push(block.slice(from, to));
    if (token.kind === 'end') return out;
    if (ends) from = -1;
    else if (token.kind !== 'newline' && token.kind !== 'handle') {
      if (from < 0) from = token.from;
      to = token.to;
      if (token.kind === 'punct') depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
    }
  }
}

/** The elements between the braces of a text, as tokens of it. */
export function elementsOf(text: string): NftToken[] {
  const t = new NftTokens(text);
  const out: NftToken[] = [];
  t.expect('{');
  t.nested++;
  let from = -1;
  let to = 0;
  for (let depth = 0; ; ) {
    const token = t.next();
    const sign = token.kind === 'punct' ? token.text : '';
    const ends = token.kind === 'end' || (depth === 0 && (sign === ',' || sign === '}'));
    if (ends && from >= 0) out.push({ kind: 'word', text: text.slice(from, to), from, to });
    if (token.kind === 'end') throw new NftError('“}” is missing', token, undefined, 'nft-syntax');
    if (ends && sign === '}') return out;
    if (ends) from = -1;
    else {
      if (from < 0) from = token.from;
      to = token.to;
      depth += sign === '{' ? 1 : sign === '}' ? -1 : 0;
    }
  }
}
