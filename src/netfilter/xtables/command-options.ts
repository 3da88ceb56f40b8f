/** What each option of iptables itself does to the command line being read (the option loop of do_command4() and do_command6()). */
import type { Family } from '../../base/addr.js';
import { nearest } from '../../base/diagnostic.js';
import { protocolNames, protocolNumber } from '../../base/well-known.js';
import { parseIface } from './address.js';
import { type CommandDraft, type UnknownExtension, VERDICTS } from './command-draft.js';
import { type CommandLetter, MAX_CHAIN_NAME, OtherFamily } from './command-types.js';
import { OptionError } from './extension.js';
import { parseUint, U32 } from './numbers.js';
import { findMatch, findTarget, matchNames } from './registry.js';

const INVERTIBLE = new Set(['p', 's', 'd', 'i', 'o', 'f']);

function once(d: CommandDraft, letter: string, at: number, invert: boolean): void {
  if (d.seen.includes(letter)) d.fail(`multiple -${letter} flags not allowed`, at);
  d.seen += letter;
  if (invert && !INVERTIBLE.has(letter)) d.fail(`cannot have ! before -${letter}`, at);
}

/** One option by its letter; `value` is null where an optional argument is missing, `at` its word. Throws CommandError. */
export function coreOption(d: CommandDraft, letter: string, value: string | null, at: number): void {
  d.lastUnknown = null;
  const invert = d.takeInvert();
  const text = value ?? '';
  try {
    switch (letter) {
      case 'A':
      case 'C':
      case 'D':
      case 'E':
      case 'F':
      case 'I':
      case 'L':
      case 'N':
      case 'P':
      case 'R':
      case 'S':
      case 'X':
      case 'Z':
      case 'V':
      case 'h':
        commandOption(d, letter, value, at, invert);
        return;
      case 's':
        once(d, 's', at, invert);
        d.src = { text, invert, word: d.i - 1 };
        d.values.push({ word: d.i - 1, role: 'src', invert });
        return;
      case 'd':
        once(d, 'd', at, invert);
        d.dst = { text, invert, word: d.i - 1 };
        d.values.push({ word: d.i - 1, role: 'dst', invert });
        return;
      case 'p':
        protocolOption(d, text, at, invert);
        return;
      case 'i':
        once(d, 'i', at, invert);
        d.in = d.ctx.instances.iface(parseIface(text, invert));
        d.values.push({ word: d.i - 1, role: 'in', invert });
        return;
      case 'o':
        once(d, 'o', at, invert);
        d.out = d.ctx.instances.iface(parseIface(text, invert));
        d.values.push({ word: d.i - 1, role: 'out', invert });
        return;
      case 'f':
        if (d.ctx.family === 'ipv6') d.fail("`-f' is not supported in IPv6, use -m frag instead", at);
        once(d, 'f', at, invert);
        d.fragment = { invert };
        return;
      case 'm':
        if (invert) d.fail('unexpected ! flag before --match', at);
        matchOption(d, text, at);
        return;
      case 'j':
      case 'g':
        once(d, 'j', at, invert);
        d.values.push({ word: d.i - 1, role: 'jump', invert });
        jumpOption(d, text, at, letter === 'g');
        return;
      case 'c':
        countersOption(d, text, at, invert);
        return;
      case 't':
        if (invert) d.fail('unexpected ! flag before --table', at);
        if (d.ctx.file !== null) d.fail('The -t option cannot be used in iptables-restore.', at, 'the *TABLE line above names the table');
        d.table = text;
        return;
      case '4':
      case '6':
        if ((letter === '6') !== (d.ctx.family === 'ipv6')) throw new OtherFamily();
        return;
      case 'n':
      case 'x':
      case '0':
        once(d, letter, at, invert);
        return;
      default:
        if (invert) d.fail(`cannot have ! before -${letter}`, at);
        return;
    }
  } catch (e) {
    if (e instanceof OptionError) d.fail(e.message, d.i - 1, e.hint);
    throw e;
  }
}

function protocolOption(d: CommandDraft, text: string, at: number, invert: boolean): void {
  once(d, 'p', at, invert);
  const name = text.toLowerCase();
  const n = parseUint(name, 0, 255) ?? protocolNumber(name);
  if (n === undefined) {
    const near = nearest(name, protocolNames());
    d.fail(`unknown protocol "${name}" specified`, d.i - 1, near ? `did you mean ${near}?` : undefined);
  }
  if (n === 0 && invert) d.fail('rule would never match protocol', at);
  d.proto = n;
  d.protoInvert = invert;
  d.protocol = n === 0 ? null : d.ctx.instances.shared(`p ${n} ${invert}`, () => ({ value: n, invert }));
  d.protoName = name;
  d.protoWord = d.i - 1;
}

function matchOption(d: CommandDraft, name: string, at: number): void {
  const def = findMatch(name, d.ctx.family);
  if (def) {
    d.load('match', def, at);
    return;
  }
  if (d.ctx.unknown === 'refuse' || !/^[\w.-]{1,28}$/.test(name)) {
    const near = nearest(name, matchNames(d.ctx.family));
    d.fail(`Couldn't load match \`${name}':No such file or directory`, at, near ? `did you mean -m ${near}?` : undefined, 'iptables-unknown-match');
  }
  const u: UnknownExtension = { kind: 'match', name, text: '' };
  d.matchOrder.push(u);
  d.lastUnknown = u;
}

const BLANK = /\s/;
/** May every `-j` or `-g` of that name be nothing but a jump to a chain of the table? */
export const namesNoTarget = (name: string, family: Family): boolean =>
  name.length <= MAX_CHAIN_NAME && !BLANK.test(name) && !VERDICTS.has(name) && findTarget(name, family) === undefined;

function jumpOption(d: CommandDraft, name: string, at: number, isGoto: boolean): void {
  d.jump = name;
  d.jumpWord = at;
  d.goto = isGoto;
  if (isGoto) return;
  if (name === '') d.fail('Invalid target name (too short)', at);
  if (name.length > MAX_CHAIN_NAME) d.fail(`Invalid target name \`${name}' (${MAX_CHAIN_NAME} chars max)`, at);
  if (BLANK.test(name)) d.fail(`Invalid target name \`${name}'`, at);
  if (VERDICTS.has(name)) return;
  const def = findTarget(name, d.ctx.family);
  if (def) {
    d.load('target', def, at);
    return;
  }
  if (d.isChain(name)) return;
  // Whether there is such a target is asked at the end: an option that nobody knows is complained of first.
  if (d.ctx.unknown === 'refuse' || !/^[A-Z0-9]+$/.test(name)) return;
  const u: UnknownExtension = { kind: 'target', name, text: '' };
  d.target = u;
  d.lastUnknown = u;
}

function countersOption(d: CommandDraft, text: string, at: number, invert: boolean): void {
  once(d, 'c', at, invert);
  const bytes = text.includes(',') ? text.slice(text.indexOf(',') + 1) : d.words[d.i++];
  const p = /^\d+$/.exec(text.split(',')[0]);
  const b = bytes === undefined ? null : /^\d+$/.exec(bytes);
  if (!p || !b) d.fail('-c requires packet and byte counter', at);
  d.counters = { packets: Number(p[0]), bytes: Number(b[0]) };
}

function commandOption(d: CommandDraft, letter: CommandLetter, value: string | null, at: number, invert: boolean): void {
  if (invert) d.fail("unexpected '!' flag", at);
  const joined = `${d.letter ?? ''}${letter}`;
  if (d.letter !== null && joined !== 'LZ' && joined !== 'ZL' && joined !== 'SZ' && joined !== 'ZS') {
    d.fail(`Cannot use -${letter} with -${d.letter}`, at);
  }
  d.letter = d.letter === 'L' || d.letter === 'S' ? d.letter : letter;
  if (letter === 'A') d.values.push({ word: d.i - 1, role: 'chain', invert });
  d.chain = value ?? d.chain;
  const next = d.words[d.i];
  const hasNext = next !== undefined && !next.startsWith('-') && next !== '!';
  if (letter === 'E' || letter === 'P') {
    if (!hasNext) d.fail(letter === 'E' ? '-E requires old-chain-name and new-chain-name' : '-P requires a chain and a policy', at);
    d.i++;
    if (letter === 'E') d.newName = next;
    else d.policy = next;
  } else if (letter === 'I' || letter === 'D' || letter === 'R' || (letter === 'Z' && value !== null)) {
    if (hasNext) ruleNumber(d, next);
    else if (letter === 'R') d.fail('-R requires a rule number', at);
    else if (letter === 'I') d.number = 1;
  } else if (letter === 'N') checkNewName(d, value ?? '', at);
}

function ruleNumber(d: CommandDraft, text: string): void {
  const n = parseUint(text, 1, U32);
  if (n === null) d.fail(`Invalid rule number \`${text}'`, d.i);
  d.number = n;
  d.i++;
}

function checkNewName(d: CommandDraft, name: string, at: number): void {
  if (name.startsWith('-') || name.startsWith('!')) d.fail(`chain name not allowed to start with \`${name[0]}'`, at);
  if (VERDICTS.has(name) || findTarget(name, d.ctx.family)) d.fail('chain name may not clash with target name', at);
  if (BLANK.test(name)) d.fail(`Invalid chain name \`${name}'`, at);
}
