/** Reader and writer of what `ebtables-save` prints (ebtables-nft and ebtables-legacy). */
import { type Parsed, Reporter } from '../base/diagnostic.js';
import {
  type EbtChain,
  type EbtRule,
  type EbtRuleset,
  type EbtTable,
  type EbtTableName,
  type EbtVerdict,
  ebtBuiltin,
  isEbtTable,
} from '../netfilter/ebtables/model.js';
import { type InvertStyle, parseEbtRule, printEbtRule } from '../netfilter/ebtables/parse.js';
import { isVerdict } from '../netfilter/ebtables/target/verdict.js';
import { OptionError } from '../netfilter/xtables/extension.js';
import { splitWords, type Word, WordsError } from './iptables-words.js';

/** NFT_NAME_MAXLEN. */
const MAX_CHAIN_NAME = 255;

interface DraftChain {
  readonly name: string;
  policy: EbtVerdict;
  readonly rules: EbtRule[];
}

/**
 * Text of ebtables-save (or of ebtables-restore's input) to a rule set; chains that the text does not name are empty and accept.
 * Reports `ebtables-*` diagnostics and goes on with the next line.
 */
export function readEbtablesSave(text: string, file: string, backend: 'nft' | 'legacy' = 'nft'): Parsed<EbtRuleset> {
  const rep = new Reporter(file, text);
  const tables: { readonly name: EbtTableName; readonly chains: DraftChain[] }[] = [];
  let table: (typeof tables)[number] | null = null;
  text.split('\n').forEach((raw, index) => {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const n = index + 1;
    const s = line.trim();
    if (s === '' || s.startsWith('#') || s === 'COMMIT') return;
    if (s.startsWith('*')) {
      const name = s.slice(1).trim();
      table = null;
      if (!isEbtTable(name)) {
        rep.error('ebtables-table', `unknown table '${name}'`, n, 1, line.length, 'broute, nat or filter');
        return;
      }
      table = tables.find((t) => t.name === name) ?? null;
      if (!table) {
        table = { name, chains: ebtBuiltin[name].map((c) => ({ name: c, policy: 'ACCEPT', rules: [] })) };
        tables.push(table);
      }
      return;
    }
    if (!table) rep.error('ebtables-no-table', 'a line before any *table', n, 1, line.length, '*filter');
    else if (s.startsWith(':')) chainLine(rep, table, s, n, line);
    else ruleLine(rep, table, line, n);
  });
  checkJumps(rep, tables);
  return { value: { backend, tables }, diagnostics: rep.diagnostics };
}

function chainLine(rep: Reporter, table: { readonly chains: DraftChain[] }, s: string, n: number, line: string): void {
  const [name, policy = 'ACCEPT'] = s.slice(1).split(/\s+/);
  if (name === '' || name.length > MAX_CHAIN_NAME || !isVerdict(policy) || policy === 'CONTINUE') {
    rep.error('ebtables-chain', `not a chain line: '${s}'`, n, 1, line.length, ':FORWARD ACCEPT');
    return;
  }
  const known = table.chains.find((c) => c.name === name);
  if (known) known.policy = policy;
  else table.chains.push({ name, policy, rules: [] });
}

function ruleLine(rep: Reporter, table: { readonly name: EbtTableName; readonly chains: DraftChain[] }, line: string, n: number): void {
  let words: readonly Word[];
  try {
    words = splitWords(line, 0);
  } catch (e) {
    if (!(e instanceof WordsError)) throw e;
    rep.error('ebtables-words', e.message, n, e.at + 1, 1, e.hint);
    return;
  }
  const counted = /^\[(\d+):(\d+)\]$/.exec(words[0]?.text ?? '');
  const at = counted ? 1 : 0;
  const chain = table.chains.find((c) => c.name === words[at + 1]?.text);
  if (words[at]?.text !== '-A' || !chain) {
    const w = words[at + 1] ?? words[at];
    rep.error(
      'ebtables-rule',
      chain ? 'only -A lines stand in a save file' : `chain '${words[at + 1]?.text ?? ''}' does not exist`,
      n,
      (w?.at ?? 0) + 1,
      w?.length ?? 1,
      '-A CHAIN …',
    );
    return;
  }
  const own = words.slice(at + 2);
  try {
    const rule = parseEbtRule(own, table.name, chain.name, { file: rep.file, line: n, column: 1, length: line.length });
    const counters = counted ? { packets: Number(counted[1]), bytes: Number(counted[2]) } : rule.counters;
    chain.rules.push({ ...rule, counters });
    if (rule.unknown !== null) {
      const w = own.find((x) => rule.unknown?.includes(x.text));
      rep.warning(
        'ebtables-unknown-option',
        `not known: ${rule.unknown}`,
        n,
        (w?.at ?? 0) + 1,
        w?.length ?? 1,
        'a frame that reaches this rule is inconclusive',
      );
    }
  } catch (e) {
    if (!(e instanceof OptionError)) throw e;
    const w = own.find((x) => x.text === e.option || x.text === `--${e.option}`);
    rep.error('ebtables-option', e.message, n, (w?.at ?? 0) + 1, w?.length ?? line.length, e.hint);
  }
}

function checkJumps(rep: Reporter, tables: readonly { readonly name: string; readonly chains: readonly DraftChain[] }[]): void {
  for (const t of tables) {
    const names = new Set(t.chains.map((c) => c.name));
    for (const c of t.chains) {
      for (const r of c.rules) {
        if (r.target.kind === 'jump' && !names.has(r.target.chain) && r.span) {
          rep.error(
            'ebtables-jump',
            `Chain '${r.target.chain}' doesn't exist.`,
            r.span.line,
            r.span.column,
            r.span.length,
            `declare it: :${r.target.chain} RETURN`,
          );
        }
      }
    }
  }
}

/** As ebtables-save prints. `counters`: its -c. */
export function writeEbtablesSave(r: EbtRuleset, options: { readonly counters?: boolean; readonly style?: InvertStyle } = {}): string {
  const out: string[] = [];
  for (const t of r.tables) {
    out.push(`*${t.name}`);
    for (const c of printedChains(t)) out.push(`:${c.name} ${c.policy}`);
    for (const c of printedChains(t)) {
      for (const rule of c.rules) {
        out.push(`${options.counters ? `[${rule.counters.packets}:${rule.counters.bytes}] ` : ''}-A ${c.name}${printEbtRule(rule, options.style)}`);
      }
    }
  }
  return out.map((l) => `${l}\n`).join('');
}

/** Built-in chains in hook order, then user chains by name, as nftables lists them. */
function printedChains(t: EbtTable): readonly EbtChain[] {
  const builtin = ebtBuiltin[t.name];
  const users = t.chains.filter((c) => !builtin.includes(c.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...builtin.flatMap((n) => t.chains.filter((c) => c.name === n)), ...users];
}
