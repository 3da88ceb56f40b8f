/**
 * One iptables command line, from words to a Command: do_command4() and do_command6(). iptables-restore's rule lines and the tool's own arguments
 * go through this one grammar.
 */
import { nearest } from '../../base/diagnostic.js';
import { CommandDraft, type UnknownExtension, type ValueRole } from './command-draft.js';
import { finishCommand } from './command-finish.js';
import { coreOption } from './command-options.js';
import type { Command, CommandContext } from './command-types.js';
import { OptionError, type OptionSpec } from './extension.js';
import { findLongOption, type Loaded, missingOption, optionNames, shortOption } from './getopt.js';
import { parseUint } from './numbers.js';
import { quoteWord } from './quote.js';
import { findMatch } from './registry.js';

/** Throws CommandError, or OtherFamily where a line of a restore file is for the other tool. */
export function parseCommand(words: readonly string[], ctx: CommandContext): Command {
  return finishCommand(readOptions(new CommandDraft(words, ctx)));
}

/** The option loop alone: what the words say, not yet put together. */
export function readOptions(d: CommandDraft): CommandDraft {
  const { words } = d;
  while (d.i < words.length) {
    const w = words[d.i];
    if (w.length > 1 && w.charCodeAt(0) === 45) {
      if (w === '--') {
        d.i++;
        if (d.i < words.length) d.fail('unknown arguments found on commandline', d.i);
      } else if (w.charCodeAt(1) === 45) longOption(d, w);
      else shortOptions(d, w);
    } else if (w === '!') {
      if (d.invert) d.fail('multiple consecutive ! not allowed', d.i);
      d.invert = true;
      d.i++;
    } else if (d.lastUnknown) keepWord(d, w);
    else failBehindOptions(d, `Bad argument \`${w}'`, d.i, d.i > 0 && words[d.i - 1] === '!' ? 'negation stands in front of the option: ! -d NET' : undefined);
  }
  if (d.invert) d.fail('nothing appropriate following !', words.length - 1);
  return d;
}

/** The tool reads each option's value when it meets it: a wrong one in front of this word comes first. */
function failBehindOptions(d: CommandDraft, message: string, word: number, hint?: string): never {
  for (const l of d.loaded) {
    try {
      if (l.given.length > 0 && missingOption(l.def, l.given) === undefined) l.def.parse(l.given, d.ruleContext(l));
    } catch (e) {
      if (!(e instanceof OptionError)) throw e;
      if (l.given.some((g) => g.name === e.option)) d.blame(e, l);
    }
  }
  d.fail(message, word, hint);
}

/** Text of an unknown extension: all words until the next one that is known. */
function keepWord(d: CommandDraft, w: string): void {
  const u = d.lastUnknown as UnknownExtension;
  u.text += `${d.takeInvert() ? ' !' : ''} ${/^[-\w.:,/@%+=~]+$/.test(w) ? w : quoteWord(w)}`;
  d.i++;
}

function longOption(d: CommandDraft, w: string): void {
  const eq = w.indexOf('=');
  const name = eq < 0 ? w.slice(2) : w.slice(2, eq);
  const attached = eq < 0 ? null : w.slice(eq + 1);
  const at = d.i;
  const found = findLongOption(name, d.loaded);
  if (!found || found.kind === 'ambiguous') {
    if (loadProtocolMatch(d, name)) return;
    if (d.lastUnknown) {
      keepWord(d, w);
      return;
    }
    const shown = `unknown option "${eq < 0 ? w : w.slice(0, eq)}"`;
    if (found) d.fail(shown, at, `it may be ${found.names.join(' or ')}`);
    const near = nearest(`--${name}`, optionNames(d.loaded));
    d.fail(shown, at, near ? `did you mean ${near}?` : undefined, 'iptables-unknown-option');
  }
  if (found.kind === 'core') {
    d.i++;
    const value = found.option.arg === 'none' ? '' : argument(d, w, found.option.arg, attached, at);
    coreOption(d, found.option.short, value, at);
    return;
  }
  extensionOption(d, found.loaded, found.spec, attached, at);
}

function extensionOption(d: CommandDraft, l: Loaded, spec: OptionSpec, attached: string | null, at: number): void {
  d.lastUnknown = null;
  d.i++;
  const role: ValueRole = { loaded: d.loaded.indexOf(l), given: l.given.length };
  let value = '';
  if (spec.arg !== 'none') value = argument(d, d.words[at], spec.arg, attached, at) ?? '';
  if (spec.arg === 'required') d.values.push({ word: d.i - 1, role, invert: d.invert });
  if (spec.words === 2) {
    if (d.i >= d.words.length) d.fail(`${l.def.name}: --${spec.name} requires two args.`, at);
    d.values.push({ word: d.i, role, invert: d.invert });
    value += ` ${d.words[d.i++]}`;
  }
  if (l.given.length === 0) {
    l.proto = d.proto;
    l.protoInverted = d.protoInvert;
  }
  l.given.push({ name: spec.alias ?? spec.name, value, invert: d.takeInvert() });
  l.words.push(at);
}

function argument(d: CommandDraft, shown: string, arg: 'required' | 'optional', attached: string | null, at: number): string | null {
  if (attached !== null) {
    d.joined = true;
    return attached;
  }
  const next = d.words[d.i];
  if (arg === 'optional') {
    if (next === undefined || next.startsWith('-') || next === '!') return null;
    d.i++;
    return next;
  }
  if (next === undefined) d.fail(`option "${shown}" requires an argument`, at);
  d.i++;
  return next;
}

/** `-nvL`, `-s10.0.0.1`: flags may be joined, an argument may be glued to its letter. */
function shortOptions(d: CommandDraft, w: string): void {
  const at = d.i++;
  for (let k = 1; k < w.length; k++) {
    const letter = w[k];
    const arg = shortOption(letter);
    if (arg === undefined) {
      if (d.lastUnknown && k === 1) {
        d.i--;
        keepWord(d, w);
        return;
      }
      d.fail(`unknown option "${w}"`, at, undefined, 'iptables-unknown-option');
    }
    if (arg === 'none') {
      coreOption(d, letter, '', at);
      continue;
    }
    const glued = k + 1 < w.length ? w.slice(k + 1) : null;
    coreOption(d, letter, argument(d, w, arg, glued, at), at);
    return;
  }
}

/** Loads the match named like the protocol when an option is not known otherwise: `-p tcp --dport`. */
function loadProtocolMatch(d: CommandDraft, option: string): boolean {
  if (d.protoName === null || d.protoUsed) return false;
  const byNumber = parseUint(d.protoName, 0, 255) === null ? d.protoName : PROTOCOL_MATCHES.get(d.proto);
  const def = byNumber === undefined ? undefined : findMatch(byNumber, d.ctx.family);
  if (!def || d.loaded.some((l) => l.def === def)) return false;
  if (d.lastUnknown && !def.options.some((o) => o.name.startsWith(option))) return false;
  d.protoUsed = true;
  d.load('match', def, d.protoWord);
  return true;
}

/** Matches that `-p NUMBER` may load, by the name of the protocol. */
const PROTOCOL_MATCHES: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [33, 'dccp'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'icmp6'],
  [108, 'ipcomp'],
  [132, 'sctp'],
  [136, 'udplite'],
]);
