/**
 * One iptables command line, from words to a Command: do_command4() and do_command6(). iptables-restore's rule lines and the tool's own arguments
 * go through this one grammar.
 */
import { nearest } from '../../base/diagnostic.js';
import { protocolNames, protocolNumber } from '../../base/well-known.js';
import { parseHostList, parseIface } from './address.js';
import { type Command, type CommandContext, CommandError, type CommandLetter, MAX_CHAIN_NAME, OtherFamily } from './command-types.js';
import type { OptionSpec, RuleContext } from './extension.js';
import { OptionError } from './extension.js';
import { type AnyExtension, findLongOption, type Loaded, optionNames, shortOption } from './getopt.js';
import type { AddrMatch, MatchInstance, Target, UnknownMatch, XtCounters } from './model.js';
import { parseUint, U32 } from './numbers.js';
import { quoteWord } from './quote.js';
import { findMatch, findTarget, matchNames, targetNames } from './registry.js';
import { ParsedRule, type RuleParts, ZERO_COUNTERS } from './rule-list.js';

const VERDICTS = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);
const INVERTIBLE = new Set(['p', 's', 'd', 'i', 'o', 'f']);
const RULE_COMMANDS = new Set<CommandLetter>(['A', 'C', 'D', 'I', 'R']);

export function parseCommand(words: readonly string[], ctx: CommandContext): Command {
  return new CommandParser(words, ctx).parse();
}

interface HostWord {
  readonly text: string;
  readonly invert: boolean;
  readonly word: number;
}
const ANY_HOST: readonly null[] = [null];

/** Extension given with `-m` or `-j` that is not known here; its words are gathered as text. */
interface UnknownExtension {
  readonly kind: 'match' | 'target';
  readonly name: string;
  text: string;
}

class CommandParser {
  #i = 0;
  #invert = false;
  #letter: CommandLetter | null = null;
  #chain: string | null = null;
  #newName: string | null = null;
  #policy: string | null = null;
  #number: number | null = null;
  #table: string | null = null;
  #counters: XtCounters | null = null;
  /** Letters of the options given. */
  #seen = '';
  /** Read at the end only, as the tool does: a stray word is complained of first. */
  #src: HostWord | null = null;
  #dst: HostWord | null = null;
  #in: RuleParts['in'] = null;
  #out: RuleParts['out'] = null;
  #fragment: RuleParts['fragment'] = null;
  #proto = 0;
  #protoInvert = false;
  /** The word behind `-p`, for the match it loads. */
  #protoName: string | null = null;
  #protoUsed = false;
  #protoWord = 0;
  #jump: string | null = null;
  #jumpWord = 0;
  #goto = false;
  readonly #loaded: Loaded[] = [];
  /** Matches in the order given, known or not; the unknown ones stand as text. */
  readonly #matchOrder: (Loaded | UnknownExtension)[] = [];
  #target: Loaded | UnknownExtension | null = null;
  #lastUnknown: UnknownExtension | null = null;

  constructor(
    readonly words: readonly string[],
    readonly ctx: CommandContext,
  ) {}

  parse(): Command {
    const { words } = this;
    while (this.#i < words.length) {
      const w = words[this.#i];
      if (w.length > 1 && w.charCodeAt(0) === 45) {
        if (w === '--') {
          this.#i++;
          if (this.#i < words.length) this.#fail('unknown arguments found on commandline', this.#i);
        } else if (w.charCodeAt(1) === 45) this.#longOption(w);
        else this.#shortOptions(w);
      } else if (w === '!') {
        if (this.#invert) this.#fail('multiple consecutive ! not allowed', this.#i);
        this.#invert = true;
        this.#i++;
      } else if (this.#lastUnknown) this.#keepWord(w);
      else
        this.#failBehindOptions(
          `Bad argument \`${w}'`,
          this.#i,
          this.#i > 0 && words[this.#i - 1] === '!' ? 'negation stands in front of the option: ! -d NET' : undefined,
        );
    }
    if (this.#invert) this.#fail('nothing appropriate following !', words.length - 1);
    return this.#finish();
  }

  #fail(message: string, word: number, hint?: string, code?: string): never {
    throw new CommandError(message, Math.max(0, word), code, hint);
  }

  /** The tool reads each option's value when it meets it: a wrong one in front of this word comes first. */
  #failBehindOptions(message: string, word: number, hint?: string): never {
    for (const l of this.#loaded) {
      try {
        if (l.given.length > 0) l.def.parse(l.given, this.#ruleContext(l));
      } catch (e) {
        if (!(e instanceof OptionError)) throw e;
        if (l.given.some((g) => g.name === e.option)) this.#blame(e, l);
      }
    }
    this.#fail(message, word, hint);
  }

  /** Points at the option that an OptionError names, or at the word that loaded the extension. */
  #blame(e: OptionError, l: Loaded): never {
    const k = l.given.findIndex((g) => g.name === e.option);
    this.#fail(e.message, k >= 0 ? l.words[k] : l.word, e.hint, 'iptables-option');
  }

  #ruleContext(l: Loaded): RuleContext {
    return { family: this.ctx.family, table: this.#table ?? this.ctx.table, proto: l.proto, protoInverted: l.protoInverted };
  }

  #instance(l: Loaded): MatchInstance | Target {
    try {
      return this.ctx.instances.extension(l, this.#ruleContext(l));
    } catch (e) {
      if (!(e instanceof OptionError)) throw e;
      this.#blame(e, l);
    }
  }

  #takeInvert(): boolean {
    const v = this.#invert;
    this.#invert = false;
    return v;
  }

  /** Text of an unknown extension: all words until the next one that is known. */
  #keepWord(w: string): void {
    const u = this.#lastUnknown as UnknownExtension;
    u.text += `${this.#takeInvert() ? ' !' : ''} ${/^[-\w.:,/@%+=~]+$/.test(w) ? w : quoteWord(w)}`;
    this.#i++;
  }

  #longOption(w: string): void {
    const eq = w.indexOf('=');
    const name = eq < 0 ? w.slice(2) : w.slice(2, eq);
    const attached = eq < 0 ? null : w.slice(eq + 1);
    const at = this.#i;
    const found = findLongOption(name, this.#loaded);
    if (!found || found.kind === 'ambiguous') {
      if (this.#loadProtocolMatch(name)) return;
      if (this.#lastUnknown) {
        this.#keepWord(w);
        return;
      }
      const shown = `unknown option "${eq < 0 ? w : w.slice(0, eq)}"`;
      if (found) this.#fail(shown, at, `it may be ${found.names.join(' or ')}`);
      const near = nearest(`--${name}`, optionNames(this.#loaded));
      this.#fail(shown, at, near ? `did you mean ${near}?` : undefined, 'iptables-unknown-option');
    }
    if (found.kind === 'core') {
      this.#i++;
      const value = found.option.arg === 'none' ? '' : this.#argument(w, found.option.arg, attached, at);
      this.#core(found.option.short, value, at);
      return;
    }
    this.#extensionOption(found.loaded, found.spec, attached, at);
  }

  #extensionOption(l: Loaded, spec: OptionSpec, attached: string | null, at: number): void {
    this.#lastUnknown = null;
    this.#i++;
    let value = '';
    if (spec.arg !== 'none') value = this.#argument(this.words[at], spec.arg, attached, at) ?? '';
    if (spec.words === 2) {
      if (this.#i >= this.words.length) this.#fail(`${l.def.name}: --${spec.name} requires two args.`, at);
      value += ` ${this.words[this.#i++]}`;
    }
    if (l.given.length === 0) {
      l.proto = this.#proto;
      l.protoInverted = this.#protoInvert;
    }
    l.given.push({ name: spec.alias ?? spec.name, value, invert: this.#takeInvert() });
    l.words.push(at);
  }

  #argument(shown: string, arg: 'required' | 'optional', attached: string | null, at: number): string | null {
    if (attached !== null) return attached;
    const next = this.words[this.#i];
    if (arg === 'optional') {
      if (next === undefined || next.startsWith('-') || next === '!') return null;
      this.#i++;
      return next;
    }
    if (next === undefined) this.#fail(`option "${shown}" requires an argument`, at);
    this.#i++;
    return next;
  }

  /** `-nvL`, `-s10.0.0.1`: flags may be joined, an argument may be glued to its letter. */
  #shortOptions(w: string): void {
    const at = this.#i++;
    for (let k = 1; k < w.length; k++) {
      const letter = w[k];
      const arg = shortOption(letter);
      if (arg === undefined) {
        if (this.#lastUnknown && k === 1) {
          this.#i--;
          this.#keepWord(w);
          return;
        }
        this.#fail(`unknown option "${w}"`, at, undefined, 'iptables-unknown-option');
      }
      if (arg === 'none') {
        this.#core(letter, '', at);
        continue;
      }
      const glued = k + 1 < w.length ? w.slice(k + 1) : null;
      this.#core(letter, this.#argument(w, arg, glued, at), at);
      return;
    }
  }

  #once(letter: string, at: number, invert: boolean): void {
    if (this.#seen.includes(letter)) this.#fail(`multiple -${letter} flags not allowed`, at);
    this.#seen += letter;
    if (invert && !INVERTIBLE.has(letter)) this.#fail(`cannot have ! before -${letter}`, at);
  }

  #core(letter: string, value: string | null, at: number): void {
    this.#lastUnknown = null;
    const invert = this.#takeInvert();
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
          this.#command(letter, value, at, invert);
          return;
        case 's':
          this.#once('s', at, invert);
          this.#src = { text, invert, word: this.#i - 1 };
          return;
        case 'd':
          this.#once('d', at, invert);
          this.#dst = { text, invert, word: this.#i - 1 };
          return;
        case 'p':
          this.#protocol(text, at, invert);
          return;
        case 'i':
          this.#once('i', at, invert);
          this.#in = parseIface(text, invert);
          return;
        case 'o':
          this.#once('o', at, invert);
          this.#out = parseIface(text, invert);
          return;
        case 'f':
          if (this.ctx.family === 'ipv6') this.#fail("`-f' is not supported in IPv6, use -m frag instead", at);
          this.#once('f', at, invert);
          this.#fragment = { invert };
          return;
        case 'm':
          if (invert) this.#fail('unexpected ! flag before --match', at);
          this.#match(text, at);
          return;
        case 'j':
        case 'g':
          this.#once('j', at, invert);
          this.#jumpTo(text, at, letter === 'g');
          return;
        case 'c':
          this.#setCounters(text, at, invert);
          return;
        case 't':
          if (invert) this.#fail('unexpected ! flag before --table', at);
          if (this.ctx.file !== null) this.#fail('The -t option cannot be used in iptables-restore.', at, 'the *TABLE line above names the table');
          this.#table = text;
          return;
        case '4':
        case '6':
          if ((letter === '6') !== (this.ctx.family === 'ipv6')) throw new OtherFamily();
          return;
        case 'n':
        case 'x':
        case '0':
          this.#once(letter, at, invert);
          return;
        default:
          if (invert) this.#fail(`cannot have ! before -${letter}`, at);
          return;
      }
    } catch (e) {
      if (e instanceof OptionError) this.#fail(e.message, this.#i - 1, e.hint);
      throw e;
    }
  }

  #protocol(text: string, at: number, invert: boolean): void {
    this.#once('p', at, invert);
    const name = text.toLowerCase();
    const n = parseUint(name, 0, 255) ?? protocolNumber(name);
    if (n === undefined) {
      const near = nearest(name, protocolNames());
      this.#fail(`unknown protocol "${name}" specified`, this.#i - 1, near ? `did you mean ${near}?` : undefined);
    }
    if (n === 0 && invert) this.#fail('rule would never match protocol', at);
    this.#proto = n;
    this.#protoInvert = invert;
    this.#protoName = name;
    this.#protoWord = this.#i - 1;
  }

  /** Loads the match named like the protocol when an option is not known otherwise: `-p tcp --dport`. */
  #loadProtocolMatch(option: string): boolean {
    if (this.#protoName === null || this.#protoUsed) return false;
    const byNumber = parseUint(this.#protoName, 0, 255) === null ? this.#protoName : PROTOCOL_MATCHES.get(this.#proto);
    const def = byNumber === undefined ? undefined : findMatch(byNumber, this.ctx.family);
    if (!def || this.#loaded.some((l) => l.def === def)) return false;
    if (this.#lastUnknown && !def.options.some((o) => o.name.startsWith(option))) return false;
    this.#protoUsed = true;
    this.#load('match', def, this.#protoWord);
    return true;
  }

  #load(kind: 'match' | 'target', def: AnyExtension, at: number): void {
    const l: Loaded = { kind, def, given: [], words: [], word: at, proto: this.#proto, protoInverted: this.#protoInvert };
    this.#loaded.push(l);
    if (kind === 'match') this.#matchOrder.push(l);
    else this.#target = l;
  }

  #match(name: string, at: number): void {
    const def = findMatch(name, this.ctx.family);
    if (def) {
      this.#load('match', def, at);
      return;
    }
    if (this.ctx.unknown === 'refuse' || !/^[\w.-]{1,28}$/.test(name)) {
      const near = nearest(name, matchNames(this.ctx.family));
      this.#fail(`Couldn't load match \`${name}':No such file or directory`, at, near ? `did you mean -m ${near}?` : undefined, 'iptables-unknown-match');
    }
    const u: UnknownExtension = { kind: 'match', name, text: '' };
    this.#matchOrder.push(u);
    this.#lastUnknown = u;
  }

  #jumpTo(name: string, at: number, isGoto: boolean): void {
    this.#jump = name;
    this.#jumpWord = at;
    this.#goto = isGoto;
    if (isGoto) return;
    if (name === '') this.#fail('Invalid target name (too short)', at);
    if (name.length > MAX_CHAIN_NAME) this.#fail(`Invalid target name \`${name}' (${MAX_CHAIN_NAME} chars max)`, at);
    if (/\s/.test(name)) this.#fail(`Invalid target name \`${name}'`, at);
    if (VERDICTS.has(name)) return;
    const def = findTarget(name, this.ctx.family);
    if (def) {
      this.#load('target', def, at);
      return;
    }
    if (this.#isChain(name)) return;
    // Whether there is such a target is asked at the end: an option that nobody knows is complained of first.
    if (this.ctx.unknown === 'refuse' || !/^[A-Z0-9]+$/.test(name)) return;
    const u: UnknownExtension = { kind: 'target', name, text: '' };
    this.#target = u;
    this.#lastUnknown = u;
  }

  #isChain(name: string): boolean {
    return this.ctx.isChain(this.#table ?? this.ctx.table, name);
  }

  #setCounters(text: string, at: number, invert: boolean): void {
    this.#once('c', at, invert);
    const bytes = text.includes(',') ? text.slice(text.indexOf(',') + 1) : this.words[this.#i++];
    const p = /^\d+$/.exec(text.split(',')[0]);
    const b = bytes === undefined ? null : /^\d+$/.exec(bytes);
    if (!p || !b) this.#fail('-c requires packet and byte counter', at);
    this.#counters = { packets: Number(p[0]), bytes: Number(b[0]) };
  }

  #command(letter: CommandLetter, value: string | null, at: number, invert: boolean): void {
    if (invert) this.#fail("unexpected '!' flag", at);
    const joined = `${this.#letter ?? ''}${letter}`;
    if (this.#letter !== null && joined !== 'LZ' && joined !== 'ZL' && joined !== 'SZ' && joined !== 'ZS') {
      this.#fail(`Cannot use -${letter} with -${this.#letter}`, at);
    }
    this.#letter = this.#letter === 'L' || this.#letter === 'S' ? this.#letter : letter;
    this.#chain = value ?? this.#chain;
    const next = this.words[this.#i];
    const hasNext = next !== undefined && !next.startsWith('-') && next !== '!';
    if (letter === 'E' || letter === 'P') {
      if (!hasNext) this.#fail(letter === 'E' ? '-E requires old-chain-name and new-chain-name' : '-P requires a chain and a policy', at);
      this.#i++;
      if (letter === 'E') this.#newName = next;
      else this.#policy = next;
    } else if (letter === 'I' || letter === 'D' || letter === 'R' || (letter === 'Z' && value !== null)) {
      if (hasNext) this.#ruleNumber(next);
      else if (letter === 'R') this.#fail('-R requires a rule number', at);
      else if (letter === 'I') this.#number = 1;
    } else if (letter === 'N') this.#checkNewName(value ?? '', at);
  }

  #ruleNumber(text: string): void {
    const n = parseUint(text, 1, U32);
    if (n === null) this.#fail(`Invalid rule number \`${text}'`, this.#i);
    this.#number = n;
    this.#i++;
  }

  #checkNewName(name: string, at: number): void {
    if (name.startsWith('-') || name.startsWith('!')) this.#fail(`chain name not allowed to start with \`${name[0]}'`, at);
    if (VERDICTS.has(name) || findTarget(name, this.ctx.family)) this.#fail('chain name may not clash with target name', at);
    if (/\s/.test(name)) this.#fail(`Invalid chain name \`${name}'`, at);
  }

  #finish(): Command {
    const letter = this.#letter;
    const last = this.words.length - 1;
    if (letter === null) this.#fail('no command specified', last);
    for (const name of [this.#chain, this.#newName]) {
      if (name !== null && name.length > MAX_CHAIN_NAME) this.#fail(`chain name \`${name}' too long (must be under ${MAX_CHAIN_NAME + 1} chars)`, 1);
    }
    const isRule = RULE_COMMANDS.has(letter) && !(letter === 'D' && this.#number !== null);
    const stray = illegalOptions(letter, isRule).find((o) => this.#seen.includes(o));
    if (stray) this.#fail(stray === '0' ? "Illegal option `--line-numbers' with this command" : `Illegal option \`-${stray}' with this command`, last);
    return {
      letter,
      chain: this.#chain,
      newName: this.#newName,
      policy: this.#policy,
      number: this.#number,
      rules: isRule ? this.#rules(letter) : [],
      table: this.#table,
      counters: this.#counters,
    };
  }

  #rules(letter: CommandLetter): ParsedRule[] {
    const chain = this.#chain ?? '';
    const at = this.words.length - 1;
    const sources = this.#hosts(this.#src);
    const destinations = this.#hosts(this.#dst);
    if ((sources.length > 1 || destinations.length > 1) && (this.#src?.invert || this.#dst?.invert)) {
      this.#fail('! not allowed with multiple source or destination IP addresses', at);
    }
    if (letter === 'R' && sources.length * destinations.length > 1) this.#fail('Replacement rule does not specify a unique address', at);
    if ((chain === 'PREROUTING' || chain === 'INPUT') && this.#seen.includes('o')) this.#fail(`Can't use -o with ${chain}`, at);
    if ((chain === 'POSTROUTING' || chain === 'OUTPUT') && this.#seen.includes('i')) this.#fail(`Can't use -i with ${chain}`, at);
    const matches = this.#matchOrder.map((m) =>
      'def' in m ? (this.#instance(m) as MatchInstance) : ({ def: null, name: m.name, text: m.text } satisfies UnknownMatch),
    );
    const target = this.#ruleTarget();
    const { file, line, length } = this.ctx;
    const rules: ParsedRule[] = [];
    for (const src of sources) {
      for (const dst of destinations) {
        const proto =
          this.#proto === 0
            ? null
            : this.ctx.instances.shared(`p ${this.#proto} ${this.#protoInvert}`, () => ({ value: this.#proto, invert: this.#protoInvert }));
        const parts: RuleParts = {
          src: this.ctx.instances.addr(src),
          dst: this.ctx.instances.addr(dst),
          in: this.ctx.instances.iface(this.#in),
          out: this.ctx.instances.iface(this.#out),
          proto,
          fragment: this.#fragment,
          matches,
          target,
          counters: this.#counters ?? ZERO_COUNTERS,
        };
        rules.push(new ParsedRule(parts, file, line, length));
      }
    }
    return rules;
  }

  #hosts(h: HostWord | null): readonly (AddrMatch | null)[] {
    if (h === null) return ANY_HOST;
    try {
      return parseHostList(h.text, this.ctx.family, h.invert);
    } catch (e) {
      if (e instanceof OptionError) this.#fail(e.message, h.word, e.hint);
      throw e;
    }
  }

  #ruleTarget(): Target {
    const name = this.#jump;
    if (name === null) return NO_TARGET;
    const isChain = this.#isChain(name);
    if (this.#goto) {
      if (!isChain) {
        const hint = VERDICTS.has(name) ? `-j ${name} is what is meant` : `declare it before its use: :${name} - [0:0]`;
        this.#fail(`goto '${name}' is not a chain`, this.#jumpWord + 1, hint, 'iptables-no-chain');
      }
      return this.ctx.instances.shared(`g ${name}`, () => ({ kind: 'goto', chain: name }));
    }
    if (VERDICTS.has(name)) return this.ctx.instances.shared(`v ${name}`, () => ({ kind: 'verdict', verdict: name as 'ACCEPT' }));
    if (isChain) {
      if (this.#target && 'def' in this.#target) this.ctx.onWarning?.(`using chain ${name}, not extension`, this.#jumpWord);
      return this.ctx.instances.shared(`j ${name}`, () => ({ kind: 'jump', chain: name }));
    }
    const t = this.#target;
    if (t === null) {
      const near = nearest(name, [...VERDICTS, ...targetNames(this.ctx.family)]);
      const hint = near ? `did you mean ${near}?` : `declare it before its use: :${name} - [0:0]`;
      this.#fail(`Couldn't load target \`${name}':No such file or directory`, this.#jumpWord, hint, 'iptables-unknown-target');
    }
    if (!('def' in t)) return { kind: 'unknown', name: t.name, text: t.text };
    return this.#instance(t) as Target;
  }
}

/** commands_v_options: what does not go with a command. */
function illegalOptions(letter: CommandLetter, isRule: boolean): readonly string[] {
  if (isRule) return letter === 'D' || letter === 'C' ? ['n', 'x', '0', 'c'] : ['n', 'x', '0'];
  const rule = ['p', 's', 'd', 'i', 'o', 'f', 'j'];
  if (letter === 'L') return [...rule, 'c'];
  return letter === 'P' ? [...rule, 'n', 'x', '0'] : [...rule, 'c', 'n', 'x', '0'];
}

const NO_TARGET: Target = { kind: 'none' };

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
