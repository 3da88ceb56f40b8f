/** Words of an ebtables rule to a rule and back. The reader of ebtables-save and `applyEbtablesCommand` both come through here. */
import type { Span } from '../../base/diagnostic.js';
import { OptionError } from '../xtables/extension.js';
import { ebtMatches } from './match/index.js';
import type { EbtGiven, EbtIface, EbtMac, EbtMatch, EbtProto, EbtRule, EbtTableName, EbtTarget } from './model.js';
import type { EbtMatchDef, EbtOption, EbtTargetDef } from './option.js';
import { ebtTargets } from './target/index.js';
import { isVerdict } from './target/verdict.js';
import { parseEtherProto, parseMacMask, printEtherProto, printMacMask } from './values.js';

export interface EbtWord {
  readonly text: string;
  readonly quoted?: boolean;
}

/** Where `!` is printed: `--mark ! 1` (up to 1.8.9) or `! --mark 1` (later). Both are read. */
export type InvertStyle = 'infix' | 'prefix';

const matchByOption = new Map<string, { readonly def: EbtMatchDef; readonly option: EbtOption }>();
for (const def of ebtMatches) for (const option of def.options) for (const n of [option.name, ...(option.aliases ?? [])]) matchByOption.set(n, { def, option });
const targetByName = new Map(ebtTargets.map((t) => [t.name, t]));

/** Chains where each of -i, -o, --logical-in, --logical-out may stand (user chains: anywhere). */
const IN_CHAINS = ['INPUT', 'FORWARD', 'PREROUTING', 'BROUTING'];
const OUT_CHAINS = ['FORWARD', 'OUTPUT', 'POSTROUTING'];
const BUILTIN = new Set([...IN_CHAINS, ...OUT_CHAINS]);

const SHORT: ReadonlyMap<string, string> = new Map([
  ['-p', 'proto'],
  ['--proto', 'proto'],
  ['--protocol', 'proto'],
  ['-s', 'src'],
  ['--src', 'src'],
  ['--source', 'src'],
  ['-d', 'dst'],
  ['--dst', 'dst'],
  ['--destination', 'dst'],
  ['-i', 'in'],
  ['--in-if', 'in'],
  ['--in-interface', 'in'],
  ['-o', 'out'],
  ['--out-if', 'out'],
  ['--out-interface', 'out'],
  ['--logical-in', 'logicalIn'],
  ['--logical-out', 'logicalOut'],
  ['-j', 'jump'],
  ['--jump', 'jump'],
  ['-c', 'counters'],
  ['--set-counters', 'counters'],
]);

type IfaceKey = 'in' | 'out' | 'logicalIn' | 'logicalOut';

/** Collects the options of one rule. */
class RuleBuilder {
  proto: EbtProto | null = null;
  src: EbtMac | null = null;
  dst: EbtMac | null = null;
  readonly ifaces = new Map<IfaceKey, EbtIface>();
  readonly matches = new Map<EbtMatchDef, EbtGiven[]>();
  jump: string | null = null;
  readonly targetGiven: EbtGiven[] = [];
  counters = { packets: 0, bytes: 0 };
  readonly unknown: string[] = [];

  constructor(
    readonly table: EbtTableName,
    readonly chain: string,
  ) {}

  iface(key: IfaceKey, name: string, invert: boolean): void {
    const chains = key === 'in' || key === 'logicalIn' ? IN_CHAINS : OUT_CHAINS;
    if (BUILTIN.has(this.chain) && !chains.includes(this.chain)) {
      throw new OptionError(`Use ${key === 'in' || key === 'logicalIn' ? '-i/--logical-in' : '-o/--logical-out'} only in ${chains.join(', ')} chains`);
    }
    if (name.length > 15) throw new OptionError(`Interface name length cannot exceed 15 characters`);
    // A lone `+` matches every name and is not kept; negated it matches none.
    if (name === '+' && !invert) return;
    this.ifaces.set(key, { name, invert });
  }

  finish(span: Span | null): EbtRule {
    return {
      proto: this.proto,
      src: this.src,
      dst: this.dst,
      in: this.ifaces.get('in') ?? null,
      out: this.ifaces.get('out') ?? null,
      logicalIn: this.ifaces.get('logicalIn') ?? null,
      logicalOut: this.ifaces.get('logicalOut') ?? null,
      matches: [...this.matches].map(([def, given]) => this.#match(def, given)),
      target: this.#target(),
      counters: this.counters,
      unknown: this.unknown.length > 0 ? this.unknown.join(' ') : null,
      span,
    };
  }

  #match(def: EbtMatchDef, given: readonly EbtGiven[]): EbtMatch {
    this.#needProto(def.protos, def.protoName, `For ${def.name} filtering the protocol must be specified as ${def.protoName}.`);
    const sorted = inOrder(def.options, given);
    return { name: def.name, given: def.finish ? def.finish(sorted) : sorted };
  }

  #needProto(protos: EbtMatchDef['protos'], name: string | undefined, message: string): void {
    if (!protos) return;
    if (!this.proto || this.proto.invert || !protos.includes(this.proto.type)) throw new OptionError(message, undefined, name ? `add -p ${name}` : undefined);
  }

  #target(): EbtTarget {
    const name = this.jump ?? 'CONTINUE';
    if (isVerdict(name)) return { kind: 'verdict', verdict: name };
    const def = targetByName.get(name);
    if (!def) return { kind: 'jump', chain: name };
    if (def.tables && !def.tables.includes(this.table)) throw new OptionError(`target ${name} is only valid in table ${def.tables.join(' and ')}`);
    this.#needProto(def.protos, def.protoName, `For ${name} the protocol must be specified as ${def.protoName}.`);
    const sorted = inOrder(def.options, this.targetGiven);
    return { kind: 'extension', name, given: def.finish ? def.finish(sorted) : sorted };
  }
}

const inOrder = (options: readonly EbtOption[], given: readonly EbtGiven[]): readonly EbtGiven[] =>
  options.flatMap((o) => given.filter((g) => g.option === o.name));

/**
 * A rule from the words behind `-A CHAIN`. Throws OptionError with the tool's words; `option` names the word to point at.
 * An unknown option is kept in `unknown` with what follows it up to the next known one.
 */
export function parseEbtRule(words: readonly EbtWord[], table: EbtTableName, chain: string, span: Span | null = null): EbtRule {
  const b = new RuleBuilder(table, chain);
  let i = 0;
  let invert = false;
  const argument = (name: string): string => {
    if (words[i]?.text === '!' && !words[i].quoted) {
      if (invert) throw new OptionError('Multiple use of same option not allowed', name);
      invert = true;
      i++;
    }
    const w = words[i++];
    if (!w) throw new OptionError(`option "${name}" requires an argument`, name);
    return w.text;
  };
  // The target's own options may stand before -j as well: find it first.
  const jumpAt = words.findIndex((w) => !w.quoted && (w.text === '-j' || w.text === '--jump'));
  const target: EbtTargetDef | undefined = jumpAt < 0 ? undefined : targetByName.get(words[jumpAt + 1]?.text ?? '');
  while (i < words.length) {
    const { text } = words[i++];
    if (text === '!') {
      if (invert) throw new OptionError('Multiple use of same option not allowed', text);
      invert = true;
      continue;
    }
    const standard = SHORT.get(text);
    if (standard) standardOption(b, standard, text, argument, () => invert);
    else if (!extensionOption(b, target, text, argument, () => invert)) {
      b.unknown.push(...(invert ? ['!'] : []), text);
      while (i < words.length && !words[i].text.startsWith('-') && words[i].text !== '!') b.unknown.push(words[i++].text);
    }
    invert = false;
  }
  return b.finish(span);
}

function standardOption(b: RuleBuilder, what: string, text: string, argument: (n: string) => string, inverted: () => boolean): void {
  const once = (seen: unknown): void => {
    if (seen !== null && seen !== undefined) throw new OptionError(`Multiple use of same option not allowed`, text);
  };
  switch (what) {
    case 'proto': {
      once(b.proto);
      const v = argument(text);
      b.proto = { type: parseEtherProto(v), invert: inverted() };
      return;
    }
    case 'src':
    case 'dst': {
      once(b[what]);
      const v = argument(text);
      b[what] = { ...parseMacMask(v), invert: inverted() };
      return;
    }
    case 'jump': {
      once(b.jump);
      const v = argument(text);
      if (inverted()) throw new OptionError("unexpected `!' flag before --jump", text);
      b.jump = v;
      return;
    }
    case 'counters': {
      const packets = Number(argument(text));
      const bytes = Number(argument(text));
      if (!Number.isSafeInteger(packets) || !Number.isSafeInteger(bytes) || packets < 0 || bytes < 0) throw new OptionError('-c needs two numbers', text);
      b.counters = { packets, bytes };
      return;
    }
    default: {
      once(b.ifaces.get(what as IfaceKey));
      const v = argument(text);
      b.iface(what as IfaceKey, v, inverted());
    }
  }
}

/** False: no such option. */
function extensionOption(b: RuleBuilder, target: EbtTargetDef | undefined, text: string, argument: (n: string) => string, inverted: () => boolean): boolean {
  if (!text.startsWith('--')) return false;
  const name = text.slice(2);
  const own = target?.options.find((o) => o.name === name || o.aliases?.includes(name));
  const found = own ? undefined : matchByOption.get(name);
  const option = own ?? found?.option;
  if (!option) return false;
  const value = option.parse(option.flag ? '' : argument(text));
  if (inverted() && option.noInvert) throw new OptionError(`unexpected \`!' flag before ${text}`, text);
  const list = own ? b.targetGiven : given(b, found!.def);
  if (list.some((g) => g.option === option.name)) throw new OptionError(`Multiple use of same option not allowed`, text);
  list.push({ option: option.name, invert: inverted(), value });
  return true;
}

function given(b: RuleBuilder, def: EbtMatchDef): EbtGiven[] {
  let list = b.matches.get(def);
  if (!list) {
    list = [];
    b.matches.set(def, list);
  }
  return list;
}

/** What ebtables-save prints behind `-A CHAIN`, with a leading blank. */
export function printEbtRule(r: EbtRule, style: InvertStyle = 'infix'): string {
  const parts: string[] = [];
  const put = (option: string, invert: boolean, value: string): void => {
    if (!invert) parts.push(value === '' ? option : `${option} ${value}`);
    else if (style === 'infix' && value !== '') parts.push(`${option} ! ${value}`);
    else parts.push(`! ${option}${value === '' ? '' : ` ${value}`}`);
  };
  if (r.proto) put('-p', r.proto.invert, printEtherProto(r.proto.type));
  if (r.src) put('-s', r.src.invert, printMacMask(r.src, true));
  if (r.dst) put('-d', r.dst.invert, printMacMask(r.dst, true));
  if (r.in) put('-i', r.in.invert, r.in.name);
  if (r.out) put('-o', r.out.invert, r.out.name);
  if (r.logicalIn) put('--logical-in', r.logicalIn.invert, r.logicalIn.name);
  if (r.logicalOut) put('--logical-out', r.logicalOut.invert, r.logicalOut.name);
  const defs = r.matches.map((m) => ({ m, def: ebtMatches.find((d) => d.name === m.name) }));
  for (const watcher of [false, true]) {
    for (const { m, def } of defs) {
      if (!def || (def.watcher ?? false) !== watcher) continue;
      for (const g of m.given) put(`--${g.option}`, g.invert, def.options.find((o) => o.name === g.option)!.print(g.value));
    }
  }
  if (r.unknown !== null) parts.push(r.unknown);
  return `${parts.map((p) => ` ${p}`).join('')} -j ${printTarget(r.target)}`;
}

function printTarget(t: EbtTarget): string {
  switch (t.kind) {
    case 'verdict':
      return t.verdict;
    case 'jump':
      return t.chain;
    case 'extension': {
      const def = targetByName.get(t.name)!;
      const words = t.given.map((g) => {
        const v = def.options.find((o) => o.name === g.option)!.print(g.value);
        return v === '' ? `--${g.option}` : `--${g.option} ${v}`;
      });
      return `${t.name} ${words.join(' ')}`;
    }
  }
}
