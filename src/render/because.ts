/** Remarks of a verdict that the last step of a packet does not show: why iptables saw it at all, why NAT did not, why a policy or an `ip rule` did not apply. */
import { familyOf, formatAddr } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import { ruleText as ipRuleText } from '../fib/rule-text.js';
import { nftTables } from '../stack/nft-steps.js';
import { descent, type Ends, endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf, RuleRef } from '../trace/event.js';
import { chainPlace, rulePlace } from '../trace/place.js';
import type { XfrmPolicy } from '../xfrm/model.js';
import { lookupPolicy } from '../xfrm/select.js';
import { dropContext, lastView } from './drop-context.js';
import { ancestors } from './lineage.js';
import { outerFlags } from './narrow.js';
import { placeOf } from './places.js';
import { rulesetOf, ruleText, tableDoes } from './rule-text.js';
import { sentence } from './sentence.js';
import { boxBefore } from './summary.js';
import { packetWords } from './walk-lines.js';

/** Is the packet within a bridge at that event? */
export const inBridge = (p: PacketRun, at: number): boolean => /^(__)?br_|^nf_hook_bridge/.test(boxBefore(p.events, at));
/** The setting that shows bridged packets to iptables or ip6tables. */
export const nfCall = (v6: boolean): string => `net.bridge.bridge-nf-call-${v6 ? 'ip6tables' : 'iptables'}`;
const hex = (n: number): string => `0x${n.toString(16)}`;

/** Rules of iptables dropped or rewrote a packet that was only bridged there. */
export function bridgedNote(p: PacketRun, at: number): string[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  const out = new Set<string>();
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    const rule = chain.has(e.skb) && (i === at || (e.t === 'nat' && !e.undo && e.before.src !== e.after.src)) && 'rule' in e ? e.rule : null;
    if (rule === null || rule.family === 'bridge' || rule.backend === 'ebtables' || !inBridge(p, i)) continue;
    const v6 = rule.family === 'ipv6' || lastView(p.events, i, e.skb)?.protocol === 0x86dd;
    out.add(`because ${nfCall(v6)} is 1 on ${e.node} (br_netfilter), packets that are only bridged there meet the rules of ${v6 ? 'ip6tables' : 'iptables'}`);
  }
  return [...out];
}

/** TPROXY chose a socket while the packet was within a bridge, which does not hand it on (skb_orphan() in ip_rcv_core()), and PREROUTING is not run again. */
export function lostSocket(p: PacketRun, at: number): string[] {
  const drop = p.events[at];
  if (drop.t !== 'drop' || drop.cause !== 'no-socket') return [];
  const chain = ancestors(p.outcome, drop.skb);
  const chosen = (i: number): string | null => {
    const e = p.events[i];
    if (e.t !== 'match' || e.node !== drop.node || e.verdict === 'DROP' || !chain.has(e.skb) || !inBridge(p, i)) return null;
    const text = ruleText(p.nodes.get(e.node), e.rule) ?? '';
    return / -j TPROXY /.test(` ${text} `) ? `${rulePlace(e.rule)}  ${text}` : null;
  };
  const rule = p.events.slice(0, at).flatMap((_, i) => chosen(i) ?? [])[0];
  if (rule === undefined) return [];
  const sysctl = nfCall(lastView(p.events, at, drop.skb)?.protocol === 0x86dd);
  return [
    `because TPROXY chose its socket while the packet was within the bridge (${sysctl} is 1), and a socket does not survive the way from bridge to IP: ${rule}`,
  ];
}

/** A rule about INVALID packets dropped it: what that means here. */
export function invalidNote(p: PacketRun, at: number): string[] {
  const e = p.events[at] as EventOf<'drop'>;
  if (!e.rule || !/ INVALID\b/.test(ruleText(p.nodes.get(e.node), e.rule) ?? '')) return [];
  const seen = p.events.slice(0, at).findLast((x) => x.t === 'conntrack' && x.skb === e.skb && x.node === e.node);
  if (seen?.t !== 'conntrack' || seen.what !== 'invalid') return [];
  return [
    `because connection tracking of ${e.node} calls it INVALID: it begins no connection and belongs to none that is known there (its first packets went another way, or the entry has expired), or it is malformed`,
  ];
}

/**
 * An accept of nftables ends one base chain: the others of the hook are asked as well, whatever table they are of, and a drop in any of them is final. The last
 * rule before that had accepted it at the same hook, where the one or the other is of nftables.
 */
export function acceptedBefore(p: PacketRun, at: number): string[] {
  const drop = p.events[at] as EventOf<'drop'>;
  const by = drop.rule;
  if (!by || (drop.cause !== 'rule-drop' && drop.cause !== 'policy-drop')) return [];
  const hook = p.events.slice(0, at).findLastIndex((e) => e.t === 'hook' && e.skb === drop.skb && e.node === drop.node);
  for (let i = at - 1; i > hook; i--) {
    const e = p.events[i];
    if (e.t !== 'match' || e.verdict !== 'ACCEPT' || e.skb !== drop.skb || !tableDoes(p.nodes.get(e.node), e.rule, 'filter')) continue;
    if (chainPlace(e.rule) === chainPlace(by) || (e.rule.backend !== 'nftables' && by.backend !== 'nftables')) continue;
    const text = ruleText(p.nodes.get(e.node), e.rule) ?? '';
    return [
      `although ${rulePlace(e.rule)} had accepted it (${text}): accept ends its own base chain only, every other chain of the hook is asked as well, and a drop in any of them is final`,
    ];
  }
  return [];
}
/** The ICMP error about it: did it reach the sender, or die as well? Without it the sender never learns (a PMTU black hole, for one). */
export function errorNote(p: PacketRun, at: number): string[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  const made = p.events.find((e): e is EventOf<'skb'> => e.t === 'skb' && e.origin.kind === 'icmp-error' && e.origin.of !== null && chain.has(e.origin.of));
  const ends = made && endsOf(made.view);
  if (!made || !ends || isRedirect(ends)) return [];
  const kin = descent(p.events, made.skb);
  const lost = p.events.findLastIndex((e) => e.t === 'drop' && kin.has(e.skb) && e.cause !== 'no-socket' && e.cause !== 'not-for-us');
  const words = packetWords(made.view);
  if (lost < 0) return [`its sender is told: ${words}`];
  const c = dropContext(p, lost);
  return [`its sender is NOT told: ${words} dies on ${c.node} ${placeOf(boxBefore(p.events, lost))}. ${sentence(c)}`];
}

const isRedirect = (e: Ends): boolean => (e.proto === 1 && e.type === 5) || (e.proto === 58 && e.type === 137);

/** A flow that connection tracking knew already: its nat rules were asked at its first packet, and are not asked again. */
export function knownFlow(p: PacketRun, at: number): string[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  const made = new Set(p.events.flatMap((e) => (e.t === 'conntrack' && e.what === 'new' ? [`${e.node} ${e.ctId}`] : [])));
  const translated = new Set(p.events.flatMap((e) => (e.t === 'nat' ? [`${e.node} ${e.ctId}`] : [])));
  const outer = outerFlags(p.events);
  const out: string[] = [];
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    if (e.t !== 'conntrack' || e.what !== 'found' || outer[i] || !chain.has(e.skb) || p.outcome.skbs.get(e.skb)?.answers !== 0) continue;
    const id = `${e.node} ${e.ctId}`;
    const view = lastView(p.events, i, e.skb);
    if (made.has(id) || translated.has(id) || !view || !hasNat(p, e.node, view.protocol === 0x86dd ? 'ipv6' : 'ipv4')) continue;
    made.add(id);
    out.push(`${e.node} knew this flow already, untranslated, and asks its nat rules about a flow's first packet only: ${entryWords(e, view)}`);
  }
  return out;
}

function entryWords(e: EventOf<'conntrack'>, view: Parameters<typeof endsOf>[0]): string {
  const ends = endsOf(view);
  const proto = ends ? (protocolName(ends.proto) ?? String(ends.proto)) : '';
  const sel = ends
    ? `-p ${proto} -s ${formatAddr(ends.src)} -d ${formatAddr(ends.dst)}${ends.sport ? ` --sport ${ends.sport} --dport ${ends.dport}` : ''}`
    : '';
  return `conntrack -L ${sel}; -D instead of -L makes it forget (${e.orig})`;
}

const hasNat = (p: PacketRun, node: string, family: 'ipv4' | 'ipv6'): boolean => {
  const n = p.nodes.get(node);
  if (!n) return false;
  if (nftTables(n).some((t) => t.family !== 'bridge' && t.chains.some((c) => c.base?.type === 'nat' && c.rules.length > 0))) return true;
  const refs = (['legacy', 'nft'] as const).map((backend): RuleRef => ({ backend, family, table: 'nat', chain: '', num: 0 }));
  return refs.some((r) => rulesetOf(n, r)?.tables.some((t) => t.name === 'nat' && t.chains.some((c) => c.rules.length > 0)) ?? false);
};

/** SNAT comes before the IPsec policies are asked: one that covered the packet as it was does not cover it any more. `at`: index of a nat event. */
export function uncoveredAt(p: PacketRun, at: number): XfrmPolicy | null {
  const e = p.events[at] as EventOf<'nat'>;
  if (e.undo || e.before.src === e.after.src) return null;
  const all = p.nodes.get(e.node)?.xfrmPolicies ?? [];
  const view = lastView(p.events, at, e.skb);
  const proto = (view && endsOf(view)?.proto) ?? 0;
  const policy = (x: EventOf<'nat'>['before']): XfrmPolicy | null =>
    lookupPolicy(all, 'out', { ...x, family: familyOf(x.src), proto, mark: view?.mark ?? 0, dev: null });
  const before = policy(e.before);
  return before && before.templates.length > 0 && (policy(e.after)?.templates.length ?? 0) === 0 ? before : null;
}

export function uncoveredByIpsec(p: PacketRun, at: number): string[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    if (e.t !== 'nat' || !chain.has(e.skb)) continue;
    const policy = uncoveredAt(p, i);
    if (policy === null) continue;
    const s = policy.selector;
    const sel = `src ${formatAddr(s.src.addr)}/${s.src.len} dst ${formatAddr(s.dst.addr)}/${s.dst.len}`;
    return [
      `so it left ${e.node} in clear: NAT comes before IPsec, and the policy “${sel}” does not cover ${formatAddr(e.after.src)}; -m policy --dir out --pol ipsec -j ACCEPT in front of that rule spares it`,
    ];
  }
  return [];
}

/** `ip rule fwmark V` without a mask asks for the whole mark: a packet with that bit and others does not match. */
export function wantedWithMask(p: PacketRun, at: number): string[] {
  const chain = ancestors(p.outcome, p.events[at].skb);
  const out = new Set<string>();
  for (let i = 0; i <= at; i++) {
    const e = p.events[i];
    // A node asks for an output route before there is a packet.
    if (e.t !== 'route' || !(chain.has(e.skb) || e.skb === 0) || e.mark === 0 || e.purpose === 'other') continue;
    for (const r of p.nodes.get(e.node)?.rules ?? []) {
      const m = r.fwmark;
      if (!m || r.not || m.mark === 0 || r.family !== familyOf(e.dst) || (e.mark & m.mask) >>> 0 === m.mark || (e.mark & m.mark) >>> 0 !== m.mark) continue;
      out.add(
        `near miss on ${e.node}: ip rule ${r.priority} “${ipRuleText(r, {})}” asks for the mark ${hex(m.mark)} exactly and it has ${hex(e.mark)}; fwmark ${hex(m.mark)}/${hex(m.mark)} asks for that bit alone`,
      );
    }
  }
  return [...out];
}
