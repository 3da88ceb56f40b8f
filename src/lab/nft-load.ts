/** Rule sets of nft in a namespace: loading lines of `nft -f`, those left out that the tool or the kernel refuses; tracing; taking all of it away again. */
import type { NftChain, NftTable } from '../netfilter/nftables/model.js';
import { hereDoc, type Shell } from './shell.js';

/** Rounds of leaving out; each names at least one line. */
const ROUNDS = 60;

/** Loads the lines in one transaction. Returns those that were taken; null: it was refused, and no line is to blame. */
export async function loadNft(shell: Shell, lines: readonly string[]): Promise<readonly string[] | null> {
  let left = lines;
  for (let round = 0; round < ROUNDS && left.length > 0; round++) {
    const { out, status } = await shell.run(hereDoc('nft -f -', left.join('\n')));
    if (status === 0) return left;
    const refused = new Set([...out.matchAll(/^\/dev\/stdin:(\d+):\d+-\d+: Error/gm)].map((m) => Number(m[1]) - 1));
    if (refused.size === 0) return null;
    left = left.filter((_, i) => !refused.has(i));
  }
  return left;
}

/** Behind defragmentation (NF_IP_PRI_CONNTRACK_DEFRAG), before all tables that have a priority with a name. */
const TRACING_PRIORITY = -350;
export const TRACING_TABLE = 'nfsimtrace';

/** A table that has all packets traced: of both families of IP, and of what bridges see. */
export const tracingTable = (family: 'inet' | 'bridge'): string => {
  const chain = (hook: string): string => `chain ${hook} {\ntype filter hook ${hook} priority ${TRACING_PRIORITY}; policy accept;\nmeta nftrace set 1\n}\n`;
  return `table ${family} ${TRACING_TABLE} {\n${chain('prerouting')}${chain('output')}}\n`;
};

/** Tables as text for `nft -f`. */
export const nftText = (tables: readonly NftTable[]): string => tables.map(tableText).join('');

function tableText(t: NftTable): string {
  const sets = [...t.objects, ...t.sets].map((s) => `${s.kind} ${s.name} {\n${s.text}\n}\n`);
  return `table ${t.family} ${t.name} {\n${t.dormant ? 'flags dormant\n' : ''}${sets.join('')}${t.chains.map(chainText).join('')}}\n`;
}

function chainText(c: NftChain): string {
  const { base } = c;
  const devices = base?.devices ? `devices = { ${base.devices.map((d) => `"${d}"`).join(', ')} } ` : '';
  const head = base ? `type ${base.type} hook ${base.hook} ${devices}priority ${base.priority}; policy ${base.policy};\n` : '';
  return `chain ${c.name} {\n${head}${c.rules.map((r) => `${r.text}\n`).join('')}}\n`;
}

/** The lab's own table, of family netdev, in which frames are marked (bench.ts, far-ends.ts): its chains come before all others. */
export const LAB_TABLE = 'nfsim';
export const LAB_PRIORITY = -10000;

/** `nft -a list ruleset` without it. */
export const withoutLab = (listing: string): string => listing.replace(/^table netdev nfsim \{[\s\S]*?^\}\n/m, '');

/** Removes every table but the lab's own, in which frames are marked. */
export const FORGET_NFT = "nft list tables | sed -n '/^table netdev /!s/^table/delete table/p' | nft -f -";
