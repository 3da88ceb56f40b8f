/** `table … { … }`, `chain … { … }`, `set … { … }`: what stands between the braces, put into the table that it is of. */
import { nearest } from '../base/diagnostic.js';
import { kernelSays } from '../netfilter/nftables/edit.js';
import { type NftBaseChain, type NftFamily, NftObject, type NftPlace, NftRule, NftSet } from '../netfilter/nftables/model.js';
import { statementsOf } from '../netfilter/nftables/statements.js';
import type { ChainEdit, TableEdit } from '../netfilter/nftables/table-edit.js';
import { NftError, type NftToken, type NftTokens } from '../netfilter/nftables/tokens.js';
import { parsePriority, priorityNames } from './nft-priority.js';

/** The reader around a block. */
export interface BlockContext {
  readonly t: NftTokens;
  /** Where an offset of the text stands in the file. */
  readonly place: (offset: number) => NftPlace;
  /** Reads on behind a mistake. */
  readonly trying: (read: () => void) => void;
}

export const OBJECTS = ['counter', 'quota', 'limit', 'secmark', 'synproxy', 'flowtable'] as const;
const CT_OBJECTS = ['helper', 'timeout', 'expectation'] as const;
const TYPES = ['filter', 'nat', 'route'];
export const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress'];

const syntax = (message: string, token: NftToken | null, hint?: string): NftError => new NftError(message, token, hint, 'nft-syntax');
/** A file that another includes. */
export const included = (word: NftToken): NftError => new NftError('files that are included are not read', word, 'put their text here', 'nft-include');
const meant = (word: string, names: readonly string[], otherwise: string): string => {
  const near = nearest(word, names);
  return near ? `did you mean “${near}”?` : otherwise;
};

/** Up to the closing brace. */
export function block(c: BlockContext, statement: () => void): void {
  const { t } = c;
  const open = t.text.lastIndexOf('{', t.mark());
  for (;;) {
    const token = t.peekSafe();
    if (token.kind === 'end') throw syntax('“{” has no “}”', { ...token, from: open, to: open + 1 });
    if (t.take('}')) return;
    if (token.kind === 'newline' || token.kind === 'handle') t.next();
    else if (!t.take(';')) c.trying(statement);
  }
}

export const handleHere = (t: NftTokens): number | null => (t.peek().kind === 'handle' ? Number(t.next().text) : null);

export interface Rest {
  readonly text: string;
  readonly from: number;
}
/** Up to the end of the statement: a new line or semicolon outside of braces, the closing brace around it, a handle. */
export function restOf(t: NftTokens): Rest {
  const from = t.mark();
  let to = from;
  for (let depth = 0; ; ) {
    const token = t.peek();
    if (token.kind === 'end' || token.kind === 'handle') break;
    if (depth === 0 && (token.kind === 'newline' || (token.kind === 'punct' && (token.text === ';' || token.text === '}')))) break;
    t.next();
    if (token.kind !== 'newline') to = token.to;
    if (token.kind === 'punct') depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
  }
  return { text: t.text.slice(from, to), from };
}
/** The same where nothing may follow but the statement's end. */
export function endOf(t: NftTokens): void {
  const token = t.peek();
  if (token.kind !== 'end' && token.kind !== 'handle' && token.kind !== 'newline' && token.text !== ';' && token.text !== '}')
    throw syntax(`unexpected “${token.text}”`, token);
}

interface Braces extends Rest {
  readonly handle: number | null;
}
/** What stands between braces. */
export function braces(t: NftTokens): Braces {
  const open = t.expect('{');
  const handle = handleHere(t);
  const from = t.peek().kind === 'newline' ? t.next().to : t.mark();
  for (let depth = 1; ; ) {
    const token = t.next();
    if (token.kind === 'end') throw syntax('“{” has no “}”', open);
    if (token.kind !== 'punct') continue;
    depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0;
    if (depth === 0) return { text: t.text.slice(from, token.from), handle, from };
  }
}

/** Behind `table FAMILY NAME {`. */
export function tableBlock(c: BlockContext, table: TableEdit): void {
  const { t } = c;
  block(c, () => {
    const word = t.next();
    if (word.text === 'flags') {
      for (const flag of restOf(t).text.split(/[\s,]+/)) {
        if (flag === 'dormant') table.dormant = true;
        else if (flag !== 'owner' && flag !== 'persist') throw syntax(`unknown table flag “${flag}”`, word, 'flags dormant');
      }
    } else if (word.text === 'comment') table.comment = t.string('a comment');
    else if (word.text === 'chain') chainIn(c, table, t.peek());
    else if (word.text === 'set' || word.text === 'map') setIn(c, table, word.text, false);
    else objectIn(c, table, word, false);
  });
  table.number();
}

function chainIn(c: BlockContext, table: TableEdit, name: NftToken): void {
  const { t } = c;
  t.string('the name of a chain');
  const chain = table.addChain(name, false);
  t.expect('{');
  chain.handle ??= handleHere(t);
  chainBlock(c, table, chain);
}

/** Behind `chain NAME {`. */
export function chainBlock(c: BlockContext, table: TableEdit, chain: ChainEdit): void {
  const { t } = c;
  block(c, () => {
    const word = t.peek();
    if (t.is('type')) setBase(chain, baseOf(t, table.family), word);
    else if (t.take('policy')) setPolicy(t, chain);
    else if (t.take('comment')) chain.comment = t.string('a comment');
    else if (t.take('flags')) chain.flags = restOf(t).text;
    else if (t.take('devices')) {
      const { text } = restOf(t);
      if (chain.base) chain.base = { ...chain.base, devices: namesIn(text) };
    } else {
      const { text, from } = restOf(t);
      if (text === '') throw syntax(`unexpected “${t.peek().text}”`, t.peek());
      table.addRule(chain, new NftRule(text, handleHere(t), c.place(from)), from);
    }
    endOf(t);
  });
}

function setBase(chain: ChainEdit, base: NftBaseChain, token: NftToken): void {
  const { base: was } = chain;
  if (was && (was.type !== base.type || was.hook !== base.hook || was.priority !== base.priority)) kernelSays('File exists', token);
  if (!was && chain.given) kernelSays('File exists', token);
  chain.base = was ?? base;
}
function setPolicy(t: NftTokens, chain: ChainEdit): void {
  const policy = t.word('the policy');
  if (policy.text !== 'accept' && policy.text !== 'drop') throw syntax(`“${policy.text}” is no policy`, policy, 'policy accept, policy drop');
  if (!chain.base) throw syntax('only a base chain has a policy', policy, 'type filter hook forward priority filter; policy drop;');
  chain.base = { ...chain.base, policy: policy.text };
}

/** `"eth0"`, `= { eth0, eth1 }` */
const namesIn = (text: string): string[] => text.match(/[^\s{},="]+/g) ?? [];

const BASE_FORM = 'type filter hook forward priority filter; policy accept;';
function baseOf(t: NftTokens, family: NftFamily): NftBaseChain {
  t.expect('type');
  const type = t.word('the type of the chain');
  if (!TYPES.includes(type.text)) throw syntax(`“${type.text}” is no type of chain`, type, meant(type.text, TYPES, `types: ${TYPES.join(', ')}`));
  if (!t.take('hook')) throw syntax('“hook” is expected', t.peek(), BASE_FORM);
  const hook = t.word('the hook');
  if (!HOOKS.includes(hook.text)) throw new NftError('unknown chain hook', hook, meant(hook.text, HOOKS, `hooks: ${HOOKS.join(', ')}`), 'nft-syntax');
  const from = t.mark();
  while (t.peek().kind !== 'end' && !t.is('priority', ';', '}') && t.peek().kind !== 'newline') {
    if (t.next().text === '{') while (!t.take('}')) if (t.next().kind === 'end') throw syntax('“}” is missing', t.peek());
  }
  const devices = namesIn(t.text.slice(from, t.mark()).replace(/^\s*devices?\b/, ''));
  if (!t.take('priority')) throw syntax('“priority” is expected', t.peek(), BASE_FORM);
  const at = t.peek();
  const { text } = restOf(t);
  const priority = parsePriority(text, family);
  if (priority === null)
    throw syntax(
      `“${text}” is no priority`,
      { ...at, to: at.from + text.length },
      `a number, or ${priorityNames(family).join(', ')}, also with + or - and a number`,
    );
  return { type: type.text, hook: hook.text, priority, policy: 'accept', ...(devices.length === 0 ? {} : { devices }) };
}

/** Behind `set` or `map`, in a block or on a line of its own: NAME { … }. */
export function setIn(c: BlockContext, table: TableEdit, kind: 'set' | 'map', create: boolean): void {
  const { t } = c;
  const token = t.peek();
  const name = t.string('a name');
  const b = braces(t);
  const elements = (): string | null =>
    statementsOf(b.text)
      .find((s) => /^elements\s*=/.test(s))
      ?.replace(/^elements\s*=\s*/, '') ?? null;
  table.addSet(new NftSet(name, kind, b.text, b.handle, c.place(b.from)), elements, token, create, b.from);
}

/** The kind of an object whose first word was taken: `ct helper`. */
export function objectKind(t: NftTokens, word: NftToken): string {
  if (word.text === 'include') throw included(word);
  if (word.text === 'ct') {
    const kind = t.word('the kind of an object');
    if (!(CT_OBJECTS as readonly string[]).includes(kind.text)) throw syntax(`there is no ct ${kind.text}`, kind, `ct ${CT_OBJECTS.join(', ct ')}`);
    return `ct ${kind.text}`;
  }
  if ((OBJECTS as readonly string[]).includes(word.text)) return word.text;
  throw syntax(
    `unexpected “${word.text}”`,
    word,
    meant(word.text, ['chain', 'set', 'map', 'flags', 'comment', ...OBJECTS], 'a table has chains, sets, maps and objects'),
  );
}

/** Behind the word that says its kind: NAME { … }, or NAME and what it is on the same line. */
export function objectIn(c: BlockContext, table: TableEdit, word: NftToken, create: boolean): void {
  const { t } = c;
  const kind = objectKind(t, word);
  const token = t.peek();
  const name = t.string('a name');
  const b: Braces = t.is('{') ? braces(t) : { ...restOf(t), handle: null };
  table.addObject(new NftObject(name, kind, b.text, b.handle, c.place(b.from)), token, create);
}
