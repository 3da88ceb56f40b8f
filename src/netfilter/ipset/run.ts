/** One command of `ipset` in words, carried out on sets. Shared by `ipset restore` text and single commands. */
import { nearest } from '../../base/diagnostic.js';
import type { CommandOptions, SetTable } from './commands.js';
import { IpsetError } from './types.js';

export type CommandName =
  | 'create'
  | 'add'
  | 'del'
  | 'test'
  | 'destroy'
  | 'list'
  | 'save'
  | 'restore'
  | 'flush'
  | 'rename'
  | 'swap'
  | 'help'
  | 'version'
  | 'quit';

/** Letters: `-N`, `n`; `-X` of ipset 4 is the same letter in capitals. */
const COMMANDS: readonly (readonly [CommandName, string, number])[] = [
  ['create', 'n', 2],
  ['add', 'a', 2],
  ['del', 'd', 2],
  ['test', 't', 2],
  ['destroy', 'x', 0],
  ['list', 'l', 0],
  ['save', 's', 0],
  ['restore', 'r', 0],
  ['flush', 'f', 0],
  ['rename', 'e', 2],
  ['swap', 'w', 2],
  ['help', 'h', 0],
  ['version', 'v', 0],
  ['quit', 'q', 0],
];

/** The command that a word names, null if none. */
export function commandOf(word: string): CommandName | null {
  const w = word.startsWith('--') ? word.slice(2) : word;
  if (/^-[A-Z]$/.test(w)) return COMMANDS.find(([, letter]) => letter === w[1].toLowerCase())?.[0] ?? null;
  return COMMANDS.find(([name, letter]) => name === w || letter === w)?.[0] ?? null;
}

const EXIST: ReadonlySet<string> = new Set(['-exist', '--exist', '-!']);
const QUIET: ReadonlySet<string> = new Set(['-quiet', '--quiet', '-q']);

/** Carries out one command. Throws IpsetError; what it prints goes to `o.print`. `test` throws when the member is not in the set. */
export function runCommand(words: readonly string[], table: SetTable, o: CommandOptions): CommandName {
  let exist = o.exist;
  const rest: string[] = [];
  for (const w of words) {
    if (EXIST.has(w)) exist = true;
    else if (!QUIET.has(w)) rest.push(w);
  }
  const [first, a, b, ...more] = rest;
  if (first === undefined) throw new IpsetError('ipset-command', 'No command specified.');
  const name = commandOf(first);
  if (name === null) {
    const near = nearest(
      first,
      COMMANDS.map(([n]) => n),
    );
    throw new IpsetError('ipset-command', `No command specified: unknown argument ${first}`, first, near && `did you mean ${near}?`);
  }
  const needed = COMMANDS.find(([n]) => n === name)?.[2] ?? 0;
  if (needed > 0 && a === undefined) throw new IpsetError('ipset-command', `Missing mandatory argument to command ${name}`, first);
  if (needed > 1 && b === undefined) throw new IpsetError('ipset-command', `Missing second mandatory argument to command ${name}`, first);
  const opts = { ...o, exist };
  switch (name) {
    case 'create':
      table.create(a, b, more, opts);
      break;
    case 'add':
      table.add(a, b, more, exist);
      break;
    case 'del':
      table.del(a, b, more, exist);
      break;
    case 'test': {
      const found = table.test(a, b, more);
      o.print?.(found ? `${b} is in set ${a}.\n` : `${b} is NOT in set ${a}.\n`);
      if (!found) throw new IpsetError('ipset-test', `${b} is NOT in set ${a}.`, b);
      break;
    }
    case 'flush':
      if (a === undefined) table.flushAll();
      else table.flush(a);
      break;
    case 'destroy':
      if (a === undefined) table.destroyAll(opts);
      else table.destroy(a, opts);
      break;
    case 'rename':
      table.rename(a, b, opts);
      break;
    case 'swap':
      table.swap(a, b);
      break;
    default:
      if (a !== undefined && !a.startsWith('-')) table.slot(a);
  }
  return name;
}
