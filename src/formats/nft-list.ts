/** `nft [-a] list ruleset`, and rule sets written for `nft -f`: tables with their chains, sets and objects. What rules and sets say is read in netfilter/nftables. */
import { hasErrors, type Parsed, Reporter } from '../base/diagnostic.js';
import { RulesetEdit } from '../netfilter/nftables/edit.js';
import type { NftFamily, NftPlace, NftTable } from '../netfilter/nftables/model.js';
import { NftError, NftTokens } from '../netfilter/nftables/tokens.js';
import { checkTable } from './nft-check.js';
import { type Expanded, expandDefines } from './nft-define.js';
import { type Guard, NftReader } from './nft-reader.js';

export interface NftReadOptions {
  readonly file?: string;
  /** Somebody wrote it: a word that nft does not know is a mistake. Default: a node printed it, maybe by an nft that knows more. */
  readonly typed?: boolean;
  /** Told what was read before its rules are looked at. */
  readonly listed?: (tables: readonly NftTable[]) => void;
  /** Tables whose rules are those of another tool, and read there. */
  readonly foreign?: (family: NftFamily, name: string) => boolean;
}

/** Every table of a listing, in its order; of what is wrong the rest. */
export function readNftList(text: string, o: NftReadOptions = {}): Parsed<readonly NftTable[]> {
  const { tables, diagnostics } = applied(text, [], o, () => {});
  return { value: tables, diagnostics };
}

export interface NftApplied {
  readonly value: readonly NftTable[];
  readonly diagnostics: Parsed<unknown>['diagnostics'];
  /** `reset counter …`: objects of the tables in `value` whose numbers are set back; name null: all of the kind. */
  readonly resets: readonly { readonly family: NftFamily; readonly table: string; readonly kind: string; readonly name: string | null }[];
}

/** Commands on top of a rule set, all or none of them (nf_tables_commit()). */
export function applyNft(text: string, base: readonly NftTable[], o: NftReadOptions = {}): NftApplied {
  const { foreign } = o;
  const guard: Guard = (t, verb) => {
    if (foreign?.(t.family, t.name))
      throw new NftError(
        `table ${t.family} ${t.name} is made of the rules of ${OWNER[t.family] ?? 'another tool'}`,
        verb,
        `change it with ${OWNER[t.family] ?? 'that'}`,
        'nft-foreign',
      );
  };
  const { tables, diagnostics, resets } = applied(text, base, { typed: true, ...o }, guard);
  return hasErrors(diagnostics) ? { value: base, diagnostics, resets: [] } : { value: tables, diagnostics, resets };
}
const OWNER: Readonly<Record<string, string>> = { ip: 'iptables', ip6: 'ip6tables', bridge: 'ebtables' };

interface Applied {
  readonly tables: readonly NftTable[];
  readonly diagnostics: NftApplied['diagnostics'];
  readonly resets: NftApplied['resets'];
}

function applied(text: string, base: readonly NftTable[], o: NftReadOptions, guard: Guard): Applied {
  const reporter = new Reporter(o.file ?? 'nft', text);
  const lines = new Lines(text);
  const tell = (severity: 'error' | 'warning', code: string, message: string, offset: number, length: number, hint?: string): void => {
    const { line, column } = lines.place(Math.min(offset, text.length));
    reporter.report(severity, code, message, line, column, length, hint);
  };
  const wrong = (e: NftError, at: Expanded['original']): void =>
    tell(
      'error',
      e.code === 'nft-rule' ? 'nft-syntax' : e.code,
      e.message,
      at(e.token?.from ?? 0),
      Math.max(1, (e.token?.to ?? 1) - (e.token?.from ?? 0)),
      e.hint,
    );
  const expanded = expandDefines(text, (e) => wrong(e, (x) => x));
  const t = new NftTokens(expanded.text);
  const edit = new RulesetEdit(base);
  const trying = (read: () => void): void => {
    const from = t.mark();
    try {
      read();
    } catch (e) {
      if (!(e instanceof NftError)) throw e;
      wrong(e, expanded.original);
      skipStatement(t, from);
    }
  };
  const reader = new NftReader(edit, { t, place: (x) => lines.place(expanded.original(x)), trying }, guard);
  reader.read();
  const tables = edit.result();
  o.listed?.(tables);
  for (const [i, table] of edit.tables.entries()) {
    if (o.foreign?.(table.family, table.name)) continue;
    for (const f of checkTable(table, tables[i], o.typed ?? false)) tell(f.severity, f.code, f.message, expanded.original(f.offset), f.length, f.hint);
  }
  const resets = reader.resets.map(({ table, kind, name }) => ({ family: table.family, table: table.name, kind, name }));
  return { tables, diagnostics: reporter.diagnostics, resets };
}

/** To the end of the statement, or to the brace that closes the block around it; at least one token from `from` on. */
function skipStatement(t: NftTokens, from: number): void {
  t.nested = 0;
  for (let depth = 0; ; ) {
    const { kind, text, from: at } = t.peekSafe();
    if (kind === 'end') return;
    const sign = kind === 'punct' ? text : '';
    if (depth === 0 && at > from && (kind === 'newline' || sign === ';' || sign === '}')) return;
    depth = Math.max(0, depth + (sign === '{' ? 1 : sign === '}' ? -1 : 0));
    t.next();
  }
}

/** Where lines of a text begin. */
class Lines {
  readonly #starts: number[] = [0];
  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }
  place(offset: number): NftPlace {
    let lo = 0;
    let hi = this.#starts.length;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (this.#starts[mid] <= offset) lo = mid;
      else hi = mid;
    }
    return { line: lo + 1, column: offset - this.#starts[lo] + 1 };
  }
}
