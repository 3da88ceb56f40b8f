/** What both tools that read nf_tables' trace messages share: which event brings the packet along, and where handles come from. */
import { byName } from '../base/memo.js';
import { nftHandles } from '../stack/nft-steps.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import { type EventOf, isXtRule } from '../trace/event.js';
import { shownEvents } from './narrow.js';
import type { RenderOptions } from './renderer.js';

export interface NftMessage {
  readonly e: EventOf<'nft-trace'>;
  /** Type of the input device, where the kernel tells it. */
  readonly linkType: string;
  readonly run: PacketRun;
}

export function nftMessages(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): NftMessage[] {
  const out: NftMessage[] = [];
  for (const p of run.packets) {
    for (const e of shownEvents(p, o.narrow)) {
      if (e.t !== 'nft-trace') continue;
      out.push({ e, linkType: e.in === '' ? '' : (byName(p.nodes.get(e.node)?.links ?? [], e.in)?.linkType ?? ''), run: p });
    }
  }
  return out;
}

/** Is the verdict one of the queues that have no name (all but queue 0)? */
export const isQueueCode = (verdict: string): boolean => /^-?\d+$/.test(verdict);

/** Comment lines for nodes whose dump has no `nft -a list ruleset`. */
export function handleNotes(messages: readonly NftMessage[]): string[] {
  const nodes = new Set<string>();
  for (const { e, run } of messages) {
    const n = run.nodes.get(e.node);
    if (n && isXtRule(e.rule) && nftHandles(n, e.rule.family === 'ipv6' ? 'ipv6' : 'ipv4')?.listed === false) nodes.add(e.node);
  }
  return [...nodes].map(
    (n) => `# ${n}: no “nft -a list ruleset” of these very rules is known; handles that it would give are those of a fresh iptables-nft-restore\n`,
  );
}
