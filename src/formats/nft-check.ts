/** What is wrong with rules and sets that were read: words that are none, names of chains and sets that are not there, and what is not evaluated. */
import { nearest } from '../base/diagnostic.js';
import { keywords } from '../netfilter/nftables/keywords.js';
import type { NftRule, NftTable } from '../netfilter/nftables/model.js';
import { ruleCode } from '../netfilter/nftables/rule.js';
import { setProblem } from '../netfilter/nftables/set.js';
import type { TableEdit } from '../netfilter/nftables/table-edit.js';
import type { NftError, NftToken } from '../netfilter/nftables/tokens.js';

export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** In the text that was read. */
  readonly offset: number;
  readonly length: number;
}

const KEPT_SET = 'it is kept as text; a packet that reaches a rule which names the set is inconclusive';
const KEPT = 'it is kept as text; a packet that reaches this rule is inconclusive';

/**
 * Findings of the rules and sets that an edit brought. `typed`: somebody wrote them, and a word that nft does not know is a mistake; in what a node has printed
 * it is one of an nft that knows more.
 */
export function checkTable(edit: TableEdit, table: NftTable, typed: boolean): Finding[] {
  const out: Finding[] = [];
  for (const set of table.sets) {
    const from = edit.newSets.get(set.name);
    const e = from === undefined ? null : setProblem(set, table);
    if (e && from !== undefined) out.push(at(from, judged(e, typed, set.text, KEPT_SET), set.text));
  }
  for (const [rule, from] of edit.news) {
    const { error, action } = ruleCode(table, rule);
    if (error && error.code !== 'nft-set') out.push(at(from, judged(error, typed, rule.text, KEPT), rule.text));
    else if (!error && action.kind === 'unsupported') out.push(at(from, { ...notEvaluated(action.what), token: null }, rule.text));
  }
  for (const [name, token] of edit.gone) if (inUse(table, name)) out.push(busy(token));
  return out;
}

function at(from: number, { token, ...rest }: Judged, text: string): Finding {
  return { ...rest, offset: from + (token?.from ?? 0), length: token ? Math.max(1, token.to - token.from) : text.split('\n', 1)[0].length };
}

type Judged = Omit<Finding, 'offset' | 'length'> & { readonly token: NftToken | null };

/** Types whose values this program knows all: what is none of theirs is a mistake. */
const CLOSED = /^\u201c([^\u201d]*)\u201d is no (ipv4_addr|ipv6_addr|ether_addr|type|verdict|mark)$/;
const TYPES = 'ipv4_addr ipv6_addr ether_addr inet_proto inet_service mark ifname iface_index ct_state icmp_type icmpv6_type verdict'.split(' ');

function judged(e: NftError, typed: boolean, text: string, kept: string): Judged {
  const { message, token, hint } = e;
  if (e.code !== 'nft-rule') return { severity: 'error', code: e.code, message, hint: hint ?? 'see nft(8)', token };
  const unknown = typed ? unknownWord(e, text) : null;
  if (unknown) {
    const near = nearest(unknown.text, keywords);
    return {
      severity: 'error',
      code: 'nft-unknown-word',
      message: `“${unknown.text}” is no word of nft`,
      hint: near ? `did you mean “${near}”?` : 'see nft(8)',
      token: unknown,
    };
  }
  const [, value, type] = CLOSED.exec(message) ?? [];
  if (typed && type !== undefined && !keywords.has(value)) {
    const near = type === 'type' ? nearest(value, TYPES) : undefined;
    return {
      severity: 'error',
      code: 'nft-value',
      message,
      hint: near ? `did you mean “${near}”?` : `nft describe ${type === 'type' ? 'ipv4_addr' : type}`,
      token,
    };
  }
  return { severity: 'warning', code: 'nft-not-read', message: `${message}: ${text.trim().split('\n', 1)[0].slice(0, 120)}`, hint: hint ?? kept, token };
}

/** The word that nothing begins with; behind a word that begins something, the one that follows. */
function unknownWord({ message, token }: NftError, text: string): NftToken | null {
  if (token?.kind !== 'word' || !/is not known/.test(message)) return null;
  if (!keywords.has(token.text)) return /^[a-z][\w-]*$/i.test(token.text) ? token : null;
  const m = /^\s+([a-z][\w-]*)/i.exec(text.slice(token.to));
  if (!m || keywords.has(m[1])) return null;
  const from = token.to + m[0].length - m[1].length;
  return { kind: 'word', text: m[1], from, to: from + m[1].length };
}
const notEvaluated = (what: string): Omit<Judged, 'token'> => ({
  severity: 'warning',
  code: 'nft-not-read',
  message: `not evaluated: ${what}`,
  hint: KEPT,
});
const busy = (t: NftToken): Finding => ({
  severity: 'error',
  code: 'nft-refused',
  message: 'Could not process rule: Device or resource busy',
  hint: `a rule of the table still uses ${t.text}`,
  offset: t.from,
  length: t.to - t.from,
});

/** Does a rule, or a map of verdicts, still name what was deleted? `name`: `chain X`, `set X`, `object X`. */
function inUse(table: NftTable, name: string): boolean {
  const [, kind, word] = /^(\w+) (.*)$/s.exec(name) ?? [];
  const quoted = word.replace(/[^\w]/g, '\\$&');
  const before = kind === 'chain' ? '\\b(?:jump|goto)\\s+' : kind === 'set' ? '@' : '\\bname\\s+"?';
  const use = new RegExp(`${before}${quoted}(?![\\w./-])`);
  const uses = (text: string): boolean => text.includes(word) && use.test(text);
  return table.chains.some((c) => c.rules.some((r: NftRule) => uses(r.text))) || (kind === 'chain' && table.sets.some((s) => uses(s.text)));
}
