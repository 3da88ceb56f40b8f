/**
 * `nft [-a] list ruleset`: tables, base chains and rule handles. What a rule does is not read: rules of iptables-nft come from iptables-nft-save, and
 * native rules are only known to be there.
 */
import type { NftBaseChain, NftFamily, NftRule, NftTable } from '../netfilter/nftables/model.js';

const priorityNames = new Map<string, number>([
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100],
]);
const bridgePriorityNames = new Map<string, number>([
  ['dstnat', -300],
  ['filter', -200],
  ['out', 100],
  ['srcnat', 300],
]);

interface OpenTable {
  readonly family: NftFamily;
  readonly name: string;
  readonly chains: OpenChain[];
}
interface OpenChain {
  readonly name: string;
  base: NftBaseChain | null;
  readonly rules: NftRule[];
}

/** Every table of a listing, in its order. Lines that are no part of a table or chain are passed over. */
export function readNftList(text: string): readonly NftTable[] {
  const tables: OpenTable[] = [];
  let table: OpenTable | null = null;
  let chain: OpenChain | null = null;
  let depth = 0;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const inside = depth;
    depth += braces(line);
    if (inside === 0) {
      table = openTable(line);
      if (table) tables.push(table);
      chain = null;
    } else if (inside === 1) {
      chain = openChain(line);
      if (chain) table?.chains.push(chain);
    } else if (chain && depth >= 2 && !line.startsWith('}')) chainLine(chain, line, table?.family ?? 'ip');
  }
  return tables;
}

/** Opening less closing braces outside of quoted text and of comments. */
function braces(line: string): number {
  const bare = line.replace(/"[^"]*"/g, '').replace(/#.*$/, '');
  let n = 0;
  for (const c of bare) n += c === '{' ? 1 : c === '}' ? -1 : 0;
  return n;
}

function openTable(line: string): OpenTable | null {
  const m = /^table (ip|ip6|inet|arp|bridge|netdev) (\S+) \{/.exec(line);
  return m ? { family: m[1] as NftFamily, name: m[2], chains: [] } : null;
}

function openChain(line: string): OpenChain | null {
  const m = /^chain (\S+) \{/.exec(line);
  return m ? { name: m[1], base: null, rules: [] } : null;
}

function chainLine(chain: OpenChain, line: string, family: NftFamily): void {
  const base = /^type (\S+) hook (\S+) (?:device .*? )?priority ([^;]+);(?: policy (accept|drop);)?/.exec(line);
  if (base) {
    chain.base = { type: base[1], hook: base[2], priority: priority(base[3], family), policy: base[4] === 'drop' ? 'drop' : 'accept' };
    return;
  }
  if (/^(policy|comment|flags|devices?) /.test(line)) return;
  const handle = /# handle (\d+)$/.exec(line);
  chain.rules.push({ text: handle ? line.slice(0, handle.index).trimEnd() : line, handle: handle ? Number(handle[1]) : null });
}

/** `filter`, `-150`, `srcnat + 5`. */
function priority(text: string, family: NftFamily): number {
  const m = /^([a-z]+)?\s*([+-]?)\s*(\d+)?$/.exec(text.trim());
  if (!m) return 0;
  const named = m[1] === undefined ? 0 : ((family === 'bridge' ? bridgePriorityNames : priorityNames).get(m[1]) ?? 0);
  const offset = m[3] === undefined ? 0 : Number(m[3]);
  return m[2] === '-' ? named - offset : named + offset;
}
