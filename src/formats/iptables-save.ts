/**
 * iptables-save text in and out: iptables-legacy-restore 1.8.9 and iptables-legacy-save 1.8.9, ip6tables' twins included.
 * A text that one refuses, the other does not print; what both take comes out equal (test/formats/iptables-save.test.ts).
 */
import type { Family } from '../base/addr.js';
import type { Parsed } from '../base/diagnostic.js';
import type { CheckContext } from '../netfilter/xtables/extension.js';
import type { XtCounters, XtRuleset, XtTable } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';
import { type ReadOptions, RestoreReader } from './iptables-restore.js';

/** Reads a whole restore text. Errors are located; reading goes on behind them unless `stopAtError`. */
export function readIptablesSave(text: string, opts: ReadOptions): Parsed<XtRuleset> {
  return new RestoreReader(text, opts).read();
}

/**
 * iptables-restore on a running node: atomic per table. A text with an error leaves the tables committed before it changed and all others as they were;
 * `:CHAIN` under `noflush` empties that chain.
 */
export function restoreIptables(
  text: string,
  ruleset: XtRuleset,
  opts: { readonly file: string; readonly noflush?: boolean; readonly sets?: CheckContext['sets']; readonly unknown?: 'keep' | 'refuse' },
): Parsed<XtRuleset> {
  return readIptablesSave(text, { ...opts, family: ruleset.family, base: ruleset, stopAtError: true, unknown: opts.unknown ?? 'refuse' });
}

/** User chains as libiptc keeps them: by strcmp(3). */
const byCodeUnits = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export interface WriteOptions {
  /** `-c`: counters as they are; else every one is [0:0] and rules carry none. */
  readonly counters?: boolean;
}

/** What iptables-save prints, comment lines left out: tables newest first, user chains by name. */
export function writeIptablesSave(r: XtRuleset, opts: WriteOptions = {}): string {
  let out = '';
  for (let i = r.tables.length - 1; i >= 0; i--) out += writeTable(r.tables[i], r.family, opts);
  return out;
}

function writeTable(table: XtTable, family: Family, opts: WriteOptions = {}): string {
  const show = (c: XtCounters): string => (opts.counters ? `[${c.packets}:${c.bytes}]` : '[0:0]');
  const builtin = table.chains.filter((c) => c.policy !== null);
  const chains = [...builtin, ...table.chains.filter((c) => c.policy === null).sort(byCodeUnits)];
  const lines = [`*${table.name}`];
  for (const c of chains) lines.push(`:${c.name} ${c.policy ?? '-'} ${c.policy === null ? '[0:0]' : show(c.counters)}`);
  const ctx = { family, table: table.name };
  for (const c of chains) {
    for (let i = 0; i < c.rules.length; i++) {
      const rule = c.rules.at(i);
      lines.push(`${opts.counters ? `${show(rule.counters)} ` : ''}${printRule(c.name, rule, ctx)}`);
    }
  }
  lines.push('COMMIT', '');
  return lines.join('\n');
}
