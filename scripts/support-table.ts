/** Prints the support tables of the README: which extensions, set types, devices are evaluated and which make a packet inconclusive. */
import { setTypes } from '../src/netfilter/ipset/types.js';
import { nftReads } from '../src/netfilter/nftables/expr/index.js';
import { nftStatements } from '../src/netfilter/nftables/stmt/index.js';
import { unsupported } from '../src/netfilter/nftables/stmt/unsupported.js';
import { matches } from '../src/netfilter/xtables/match/index.js';
import { targets } from '../src/netfilter/xtables/target/index.js';

const names = (list: readonly { readonly name: string; readonly unsupported?: boolean }[], unsupported: boolean): string =>
  [...new Set(list.filter((x) => (x.unsupported ?? false) === unsupported).map((x) => x.name))]
    .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
    .join(' ');

const leftOut = unsupported.flatMap((d) => d.words).filter((w) => nftStatements.get(w)?.length === 1);
const words = (all: readonly string[], without: readonly string[]): string =>
  [...all]
    .filter((w) => w !== '@' && !without.includes(w))
    .sort()
    .join(' ');

export function supportTable(): string {
  return [
    '| | evaluated | read, checked and printed; a packet that reaches one is `inconclusive` |',
    '|---|---|---|',
    `| matches | ${names(matches, false)} | ${names(matches, true)} |`,
    `| targets | ACCEPT DROP RETURN QUEUE ${names(targets, false)} | ${names(targets, true)} |`,
    `| nftables expressions | ${words([...nftReads.keys()], [])} | |`,
    `| nftables statements | ${words([...nftStatements.keys()], leftOut)} | ${leftOut.join(' ')} |`,
    `| set types | ${setTypes.map((t) => t.name).join(' ')} | |`,
  ].join('\n');
}

if (process.argv[1]?.endsWith('support-table.ts')) console.log(supportTable());
