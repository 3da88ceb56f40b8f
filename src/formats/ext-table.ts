/**
 * iptables' own extension tables (extensions/*.t, read as its iptables-test.py reads them) against our grammar, checks and printer.
 *
 *   :INPUT,FORWARD            chains in which each rule is tried
 *   *mangle                   the table (filter before the first such line)
 *   # …  @ …  % …             comments; commands for the shell, which are not run
 *   rule;expected;OK|FAIL     expected: what save prints, `=` for the rule itself; more columns are about one backend: `LEGACY` or `NFT`, then the other's result
 */
import type { Family } from '../base/addr.js';
import { splitShellWords } from '../base/shell-words.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';
import { printRuleSpec } from '../netfilter/xtables/print.js';
import { applyIptablesCommand } from './iptables-command.js';

export interface ExtTableFailure {
  /** From 1. */
  readonly line: number;
  readonly rule: string;
  readonly wanted: string;
  readonly got: string;
}

export interface ExtTableScore {
  /** Rule lines that came out as the table says, in every chain. */
  readonly ok: number;
  readonly failed: readonly ExtTableFailure[];
}

/** libip6t_*.t are for ip6tables, all others for iptables. `file` is the table's name, with or without folders. */
export function scoreExtensionTable(text: string, file: string): ExtTableScore {
  const family: Family = /(^|\/)libip6t_[^/]*$/.test(file) ? 'ipv6' : 'ipv4';
  let chains: string[] = [];
  let table = 'filter';
  let ok = 0;
  const failed: ExtTableFailure[] = [];
  text.split('\n').forEach((raw, i) => {
    const line = raw.trimEnd();
    if (line === '' || '#@%'.includes(line[0])) return;
    if (line[0] === ':') chains = line.slice(1).split(',');
    else if (line[0] === '*') table = line.slice(1).trim();
    else {
      const failure = scoreLine(line, i + 1, family, table, chains);
      if (failure) failed.push(failure);
      else ok++;
    }
  });
  return { ok, failed };
}

function scoreLine(line: string, no: number, family: Family, table: string, chains: readonly string[]): ExtTableFailure | null {
  const [rule = '', expected = '', verdict = '', variant, other] = line.split(';').map((s) => s.trim());
  const wantOk = legacyResult(verdict, variant, other) !== 'FAIL';
  const wanted = wantOk ? (expected === '=' ? rule : expected) : 'FAIL';
  for (const chain of chains.length > 0 ? chains : ['INPUT']) {
    const got = tryRule(rule, family, table, chain);
    if (wantOk ? got !== `ok ${wanted}`.trimEnd() : got.startsWith('ok')) return { line: no, rule: `-t ${table} -A ${chain} ${rule}`, wanted, got };
  }
  return null;
}

/** The third column, or what the columns behind it say of the legacy backend. */
function legacyResult(verdict: string, variant: string | undefined, other: string | undefined): string {
  if (variant !== 'NFT') return verdict;
  return other ?? (verdict === 'OK' ? 'FAIL' : 'OK');
}

const NO_SETS = { describe: () => undefined };

/** `ok RULE` as save prints it, or the refusal. */
function tryRule(rule: string, family: Family, table: string, chain: string): string {
  const words = splitShellWords(rule);
  if (words === null) return 'the quotes do not close';
  const empty: XtRuleset = { family, tables: [] };
  const { value, diagnostics } = applyIptablesCommand(['-t', table, '-A', chain, ...words], empty, { sets: NO_SETS });
  const error = diagnostics.find((d) => d.severity === 'error');
  if (error) return error.hint ? `${error.message} (${error.hint})` : error.message;
  const rules = value.ruleset.tables[0].chains.find((c) => c.name === chain)?.rules;
  const printed: string[] = [];
  for (let i = 0; i < (rules?.length ?? 0); i++) printed.push(printRuleSpec(rules!.at(i), { family, table }));
  return `ok${printed.join('\n')}`;
}
