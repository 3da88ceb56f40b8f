import type { Family } from '../base/addr.js';
import type { Command } from '../netfilter/xtables/command-types.js';
import type { XtTable } from '../netfilter/xtables/model.js';
import { printRule } from '../netfilter/xtables/print.js';

/** `-S`; null where the chain does not exist. */
export function listTable(table: XtTable, family: Family, cmd: Command, _words: readonly string[]): string | null {
  const chains = cmd.chain === null ? table.chains : table.chains.filter((c) => c.name === cmd.chain);
  if (chains.length === 0) return null;
  let out = chains.map((c) => (c.policy === null ? `-N ${c.name}\n` : `-P ${c.name} ${c.policy}\n`)).join('');
  for (const c of chains) for (let i = 0; i < c.rules.length; i++) out += `${printRule(c.name, c.rules.at(i), { family, table: table.name })}\n`;
  return out;
}
