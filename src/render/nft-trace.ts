/**
 * `--format nft-trace`: what `nft monitor trace` (nftables 1.0.6) prints. A rule's text is that of the listing in the dump; a rule that no listing names is
 * an “unknown rule handle”, as it is to nft when a rule came after its start.
 */
import { byName } from '../base/memo.js';
import { nftTables } from '../stack/nft-steps.js';
import type { ScenarioRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { handleNotes, isQueueCode, type NftMessage, nftMessages } from './nft-events.js';
import { nftPacketWords } from './nft-packet.js';
import type { RenderOptions } from './renderer.js';

export function renderNftTrace(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  const messages = nftMessages(run, o);
  return [...handleNotes(messages), ...messages.flatMap((m) => [...packetLine(m), ...whatLine(m)]).map((l) => `${l}\n`)].join('');
}

const familyOf = ({ rule }: EventOf<'nft-trace'>): string => (rule.backend === 'nftables' ? rule.family : rule.family === 'ipv6' ? 'ip6' : 'ip');
const start = (e: EventOf<'nft-trace'>, chain: string): string => `trace id ${e.traceId.toString(16).padStart(8, '0')} ${familyOf(e)} ${e.rule.table} ${chain}`;

function packetLine({ e, linkType }: NftMessage): string[] {
  if (!e.withPacket) return [];
  const words = [...(e.in === '' ? [] : [`iif "${e.in}"`]), ...(e.out === '' ? [] : [`oif "${e.out}"`]), ...nftPacketWords(e.view, linkType)];
  return [`${start(e, e.rule.chain)} packet: ${words.join(' ')} `];
}

/** The end of a chain is a message without a rule: nft prints nothing for it. */
function whatLine({ e, run }: NftMessage): string[] {
  switch (e.kind) {
    case 'end':
      return [];
    case 'policy':
      return [`${start(e, e.rule.chain)} policy ${e.policy ?? 'accept'} ${e.mark ? `meta mark 0x${e.mark.toString(16).padStart(8, '0')} ` : ''}`];
    case 'rule': {
      const n = run.nodes.get(e.node);
      const table = n && nftTables(n).find((t) => t.family === familyOf(e) && t.name === e.rule.table);
      const rules = (table && byName(table.chains, e.rule.chain)?.rules) ?? [];
      const listed = e.rule.backend === 'nftables' ? rules[e.rule.num - 1] : rules.find((r) => r.handle === e.rule.handle);
      const words = listed ? `rule ${listed.text}` : `unknown rule handle ${e.rule.handle ?? 0}`;
      return [`${start(e, e.rule.chain)} ${words} (verdict ${isQueueCode(e.verdict) ? 'queue' : e.verdict})`];
    }
  }
}
