/** One ebtables command line on a rule set (ebtables(8), ebtables-nft's words): a new rule set, or why not. */
import { OptionError } from '../xtables/extension.js';
import { type EbtChain, type EbtRule, type EbtRuleset, type EbtTable, type EbtTableName, type EbtVerdict, ebtBuiltin, isEbtTable } from './model.js';
import { type EbtWord, parseEbtRule, printEbtRule } from './parse.js';
import { isVerdict } from './target/verdict.js';

export type EbtCommandResult =
  | { readonly ok: true; readonly value: EbtRuleset }
  /** `word`: index of the word to point at, -1 where none stands for it. */
  | { readonly ok: false; readonly message: string; readonly word: number; readonly hint?: string };

class Refused extends Error {
  constructor(
    message: string,
    readonly word = -1,
  ) {
    super(message);
  }
}

const NO_CHAIN = 'No chain/target/match by that name';
/** NFT_NAME_MAXLEN. */
const MAX_NAME = 255;
const EMPTY: EbtRuleset = { backend: 'nft', tables: [] };

const LONG: ReadonlyMap<string, string> = new Map([
  ['--append', '-A'],
  ['--insert', '-I'],
  ['--delete', '-D'],
  ['--check', '-C'],
  ['--policy', '-P'],
  ['--flush', '-F'],
  ['--new-chain', '-N'],
  ['--delete-chain', '-X'],
  ['--rename-chain', '-E'],
  ['--zero', '-Z'],
]);
const COMMANDS = new Set(LONG.values());

/** Applies `words` (without the tool's name). A table that is not there yet is loaded empty, as the tool does; table broute only where it exists. */
export function applyEbtablesCommand(words: readonly string[], ruleset: EbtRuleset | null): EbtCommandResult {
  try {
    return { ok: true, value: apply(words, ruleset ?? EMPTY) };
  } catch (e) {
    if (e instanceof Refused) return { ok: false, message: e.message, word: e.word };
    if (!(e instanceof OptionError)) throw e;
    const word = words.findIndex((w) => w === e.option || w === `--${e.option}`);
    return { ok: false, message: e.message, word, ...(e.hint === undefined ? {} : { hint: e.hint }) };
  }
}

function apply(all: readonly string[], r: EbtRuleset): EbtRuleset {
  const words = [...all];
  const tableAt = words.findIndex((w) => w === '-t' || w === '--table');
  const name = tableAt < 0 ? 'filter' : words.splice(tableAt, 2)[1];
  if (name === undefined || !isEbtTable(name)) throw new Refused(`table '${name ?? ''}' does not exist`, tableAt + 1);
  const at = words.findIndex((w) => COMMANDS.has(LONG.get(w) ?? w));
  if (at < 0) throw new Refused('Missing command (-A, -I, -D, -C, -P, -F, -N, -X, -E or -Z)');
  const letter = LONG.get(words[at]) ?? words[at];
  const rest = words.slice(at + 1);
  // Rule options may stand before the command as well.
  const before = words.slice(0, at);
  const table = r.tables.find((t) => t.name === name) ?? emptyTable(name);
  const edited = edit(table, letter, rest, before);
  const tables = r.tables.some((t) => t.name === name) ? r.tables.map((t) => (t.name === name ? edited : t)) : [...r.tables, edited];
  return { ...r, tables };
}

const emptyTable = (name: EbtTableName): EbtTable => ({ name, chains: ebtBuiltin[name].map((c) => ({ name: c, policy: 'ACCEPT', rules: [] })) });

function edit(t: EbtTable, letter: string, rest: readonly string[], before: readonly string[]): EbtTable {
  switch (letter) {
    case '-A':
      return onChain(t, rest[0], (c) => ({ ...c, rules: [...c.rules, ruleOf(t, c, [...before, ...rest.slice(1)])] }));
    case '-I': {
      const { number, words } = numbered(rest.slice(1));
      return onChain(t, rest[0], (c) => {
        const i = number === null ? 0 : number > 0 ? number - 1 : c.rules.length + number;
        if (i < 0 || i > c.rules.length) throw new Refused('Index of insertion too big');
        return { ...c, rules: c.rules.toSpliced(i, 0, ruleOf(t, c, [...before, ...words])) };
      });
    }
    case '-D':
      return onChain(t, rest[0], (c) => ({ ...c, rules: deleteRules(t, c, rest.slice(1), before) }));
    case '-C':
      return onChain(t, rest[0], (c) => {
        find(c, ruleOf(t, c, [...before, ...rest.slice(1)]));
        return c;
      });
    case '-P':
      return onChain(t, rest[0], (c) => ({ ...c, policy: policyFor(t, c.name, rest[1]) }));
    case '-F':
      return rest.length === 0 ? { ...t, chains: t.chains.map((c) => ({ ...c, rules: [] })) } : onChain(t, rest[0], (c) => ({ ...c, rules: [] }));
    case '-N':
      return { ...t, chains: [...t.chains, newChain(t, rest)] };
    case '-X':
      return deleteChain(t, rest[0]);
    case '-E':
      return rename(t, rest[0], rest[1]);
    default:
      return zero(t, rest[0]);
  }
}

function onChain(t: EbtTable, name: string | undefined, change: (c: EbtChain) => EbtChain): EbtTable {
  if (!t.chains.some((c) => c.name === name)) throw new Refused(NO_CHAIN);
  return { ...t, chains: t.chains.map((c) => (c.name === name ? change(c) : c)) };
}

function ruleOf(t: EbtTable, c: EbtChain, words: readonly string[]): EbtRule {
  const rule = parseEbtRule(
    words.map((text): EbtWord => ({ text })),
    t.name,
    c.name,
  );
  if (rule.unknown !== null) throw new Refused(`Unknown argument: '${rule.unknown.split(' ')[0]}'`);
  const to = rule.target.kind === 'jump' ? rule.target.chain : null;
  if (to !== null && !t.chains.some((x) => x.name === to)) throw new Refused(`Chain '${to}' doesn't exist.`);
  return rule;
}

/** Rules are the same when they print the same. */
function find(c: EbtChain, rule: EbtRule): number {
  const text = printEbtRule(rule);
  const i = c.rules.findIndex((x) => printEbtRule(x) === text);
  if (i < 0) throw new Refused('Bad rule (does a matching rule exist in that chain?)');
  return i;
}

/** `-D CHAIN N`, `-D CHAIN N:M` (from 1, both included) or `-D CHAIN rule`. */
function deleteRules(t: EbtTable, c: EbtChain, words: readonly string[], before: readonly string[]): readonly EbtRule[] {
  const range = /^(\d+)(?::(\d+))?$/.exec(words[0] ?? '');
  if (!range) return c.rules.toSpliced(find(c, ruleOf(t, c, [...before, ...words])), 1);
  const from = Number(range[1]);
  const to = range[2] === undefined ? from : Number(range[2]);
  if (from < 1 || to < from || to > c.rules.length) throw new Refused('Index of deletion too big');
  return c.rules.toSpliced(from - 1, to - from + 1);
}

function numbered(words: readonly string[]): { readonly number: number | null; readonly words: readonly string[] } {
  return /^-?\d+$/.test(words[0] ?? '') ? { number: Number(words[0]), words: words.slice(1) } : { number: null, words };
}

function policyFor(t: EbtTable, chain: string, word: string | undefined): EbtVerdict {
  if (word === undefined || !isVerdict(word) || word === 'CONTINUE') throw new Refused(`Wrong policy '${word ?? ''}'`);
  if (word === 'RETURN' && ebtBuiltin[t.name].includes(chain)) throw new Refused('Policy RETURN only allowed for user defined chains');
  return word;
}

function newChain(t: EbtTable, rest: readonly string[]): EbtChain {
  const [name, p, policy] = rest;
  if (name === undefined || name === '' || name.startsWith('-') || name.length > MAX_NAME || isVerdict(name))
    throw new Refused(`Wrong chain name '${name ?? ''}'`);
  if (t.chains.some((c) => c.name === name)) throw new Refused('Chain already exists');
  return { name, policy: p === '-P' ? policyFor(t, name, policy) : 'ACCEPT', rules: [] };
}

const usedBy = (t: EbtTable, name: string): boolean => t.chains.some((c) => c.rules.some((r) => r.target.kind === 'jump' && r.target.chain === name));

function deleteChain(t: EbtTable, name: string | undefined): EbtTable {
  const user = (c: EbtChain): boolean => !ebtBuiltin[t.name].includes(c.name);
  if (name === undefined) return { ...t, chains: t.chains.filter((c) => !user(c) || usedBy(t, c.name)) };
  const chain = t.chains.find((c) => c.name === name);
  if (!chain || !user(chain)) throw new Refused(NO_CHAIN);
  if (usedBy(t, name)) throw new Refused('Too many links');
  return { ...t, chains: t.chains.filter((c) => c !== chain) };
}

function rename(t: EbtTable, from: string | undefined, to: string | undefined): EbtTable {
  const chain = t.chains.find((c) => c.name === from);
  if (!chain || ebtBuiltin[t.name].includes(chain.name)) throw new Refused(NO_CHAIN);
  const { name } = newChain(t, [to ?? '']);
  const follow = (r: EbtRule): EbtRule => (r.target.kind === 'jump' && r.target.chain === from ? { ...r, target: { kind: 'jump', chain: name } } : r);
  return { ...t, chains: t.chains.map((c) => ({ ...c, name: c === chain ? name : c.name, rules: c.rules.map(follow) })) };
}

function zero(t: EbtTable, name: string | undefined): EbtTable {
  const cleared = (c: EbtChain): EbtChain => ({ ...c, rules: c.rules.map((r) => ({ ...r, counters: { packets: 0, bytes: 0 } })) });
  return name === undefined ? { ...t, chains: t.chains.map(cleared) } : onChain(t, name, cleared);
}
