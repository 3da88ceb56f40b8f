/**
 * The long and short options of iptables' command line, and getopt_long(3)'s rules for finding one: exact names first (those of the extension loaded last win),
 * then unique beginnings. Options of extensions come and go with `-m`, `-j` and `-p`.
 */
import type { Given, MatchDefWithConntrack, OptionSpec, TargetDef } from './extension.js';
import { OptionError } from './extension.js';
import type { MatchInstance, Target } from './model.js';

export interface CoreOption {
  /** The short letter (or digit) it stands for. */
  readonly short: string;
  readonly arg: 'none' | 'required' | 'optional';
}

const core = (rows: string): ReadonlyMap<string, CoreOption> =>
  new Map(
    rows
      .trim()
      .split(/\s+/)
      .map((row) => {
        const [name, short, arg] = row.split(':');
        return [name, { short, arg: arg === 'r' ? 'required' : arg === 'o' ? 'optional' : 'none' }] as const;
      }),
  );

/** name:letter:argument */
const coreOptions = core(`
  append:A:r delete:D:r check:C:r insert:I:r replace:R:r list:L:o list-rules:S:o flush:F:o zero:Z:o new-chain:N:r delete-chain:X:o rename-chain:E:r policy:P:r
  source:s:r src:s:r destination:d:r dst:d:r protocol:p:r in-interface:i:r out-interface:o:r jump:j:r goto:g:r table:t:r match:m:r fragments:f:
  numeric:n: verbose:v: exact:x: version:V: help:h:o line-numbers:0: modprobe:M:r set-counters:c:r wait:w:o wait-interval:W:o ipv4:4: ipv6:6:`);

const shortArgs = new Map([...coreOptions.values()].map((o) => [o.short, o.arg]));
/** Letters without a long name of their own have none. */
export const shortOption = (letter: string): CoreOption['arg'] | undefined => shortArgs.get(letter);

// biome-ignore lint/suspicious/noExplicitAny: each extension has option data of its own.
export type AnyExtension = MatchDefWithConntrack<any> | TargetDef<any>;

/** An extension that the command line has loaded so far, with the options given to it. */
export interface Loaded {
  readonly kind: 'match' | 'target';
  readonly def: AnyExtension;
  readonly given: Given[];
  /** Word index of each of `given`, and of the `-m`/`-j` that loaded it. */
  readonly words: number[];
  readonly word: number;
  /** `-p` as it stood when the first option was read. */
  proto: number;
  protoInverted: boolean;
  /** Where lines of one shape are read: its instance, if known already. */
  always?: MatchInstance | Target | undefined;
}

export type FoundOption =
  | { readonly kind: 'core'; readonly option: CoreOption }
  | { readonly kind: 'extension'; readonly loaded: Loaded; readonly spec: OptionSpec }
  | { readonly kind: 'ambiguous'; readonly names: readonly string[] }
  | undefined;

const specIndex = new WeakMap<readonly OptionSpec[], ReadonlyMap<string, OptionSpec>>();
function specsByName(options: readonly OptionSpec[]): ReadonlyMap<string, OptionSpec> {
  let m = specIndex.get(options);
  if (!m) {
    m = new Map(options.map((o) => [o.name, o]));
    specIndex.set(options, m);
  }
  return m;
}

export function findLongOption(name: string, loaded: readonly Loaded[]): FoundOption {
  const exactCore = coreOptions.get(name);
  if (exactCore) return { kind: 'core', option: exactCore };
  for (let i = loaded.length - 1; i >= 0; i--) {
    const spec = specsByName(loaded[i].def.options).get(name);
    if (spec) return { kind: 'extension', loaded: loaded[i], spec };
  }
  const found = new Map<string, { name: string; option: FoundOption }>();
  for (const [n, option] of coreOptions) if (n.startsWith(name)) found.set(`-${option.short}`, { name: n, option: { kind: 'core', option } });
  // An extension loaded twice has its options once; they go to the one loaded last.
  const last = new Map(loaded.map((l) => [l.def, l]));
  let i = 0;
  for (const l of last.values()) {
    i++;
    for (const spec of l.def.options) {
      if (spec.name.startsWith(name)) found.set(`${i} ${spec.alias ?? spec.name}`, { name: spec.name, option: { kind: 'extension', loaded: l, spec } });
    }
  }
  if (found.size > 1) return { kind: 'ambiguous', names: [...found.values()].map((f) => `--${f.name}`) };
  return [...found.values()][0]?.option;
}

/** All long names in reach, for "did you mean". */
export function* optionNames(loaded: readonly Loaded[]): Generator<string> {
  for (const l of loaded) for (const s of l.def.options) yield `--${s.name}`;
  for (const n of coreOptions.keys()) yield `--${n}`;
}

/** What libxtables checks of every extension (xtables_option_parse, xtables_options_fcheck): once only, inversion, exclusion, company, mandatory. */
export function checkGiven(def: AnyExtension, given: readonly Given[]): void {
  const specs = specsByName(def.options);
  const seen = new Set<string>();
  for (const g of given) {
    const spec = specs.get(g.name);
    if (!spec) continue;
    if (seen.has(g.name) && !spec.multi) throw new OptionError(`${def.name}: option "--${g.name}" can only be used once.`, g.name);
    if (g.invert && !spec.invert) throw new OptionError(`${def.name}: option "--${g.name}" cannot be inverted.`, g.name);
    seen.add(g.name);
  }
  for (const name of seen) {
    const spec = specs.get(name);
    for (const other of spec?.excl ?? []) {
      if (seen.has(other)) throw new OptionError(`${def.name}: option "--${name}" cannot be used together with "--${other}".`, name);
    }
    for (const other of spec?.also ?? []) {
      if (!seen.has(other)) throw new OptionError(`${def.name}: option "--${name}" also requires "--${other}".`, name);
    }
  }
  const missing = missingOption(def, given);
  if (missing !== undefined) throw new OptionError(`${def.name}: option "--${missing}" must be specified`);
}

/** The first mandatory option that was not given. `parse` may count on these. */
export const missingOption = (def: AnyExtension, given: readonly Given[]): string | undefined =>
  def.options.find((spec) => spec.mandatory && spec.alias === undefined && !given.some((g) => g.name === spec.name))?.name;
