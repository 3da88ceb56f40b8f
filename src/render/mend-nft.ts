/** Changes to rules of nftables that let a packet pass, as nft(8) takes them. */
import { nftChainOf } from '../stack/nft-steps.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { chainPlace } from '../trace/place.js';
import type { DropContext } from './drop-context.js';

/** What a rule for this packet and those like it asks. Neighbour discovery has to pass whoever asks. */
function like(c: DropContext): string {
  if (c.proto === 'ipv6-icmp' && c.dst.startsWith('ff02:')) return 'meta l4proto ipv6-icmp';
  const ip = c.family === 'ipv6' ? 'ip6' : 'ip';
  const ports = c.dport && (c.proto === 'tcp' || c.proto === 'udp');
  return `${ip} saddr ${c.src} ${ip} daddr ${c.dst} ${ports ? `${c.proto} dport ${c.dport}` : `meta l4proto ${c.proto}`}`;
}

/** In front of the rule that dropped it, or at the end of the chain whose policy did, there with one for answers where the chain has none. */
export function nftPassed(c: DropContext, d: EventOf<'drop'>, p: PacketRun): (string | readonly string[])[] {
  const rule = d.rule;
  if (!rule) return [];
  const at = chainPlace(rule);
  if (c.cause === 'rule-drop') return [`nft insert rule ${at} index ${rule.num - 1} ${like(c)} accept`];
  const accept = `nft add rule ${at} ${like(c)} accept`;
  return answersPass(p, d) ? [accept] : [[accept, `nft add rule ${at} ct state established,related accept`]];
}

function answersPass(p: PacketRun, d: EventOf<'drop'>): boolean {
  const n = p.nodes.get(d.node);
  const rules = (n && d.rule && nftChainOf(n, d.rule)?.rules) ?? [];
  return rules.some((r) => /^ct state (vmap )?\{?[^{}]*\bestablished\b.*\baccept\b/.test(r.text));
}
