/**
 * What a log shows by itself to have been so, beyond the dump: the TRACE rule that made it, marks that packets came with, flows that began before it, tunnels
 * that packets came out of. Each is tried on the model and taken where the log then agrees; what was taken is said.
 */

import { byName, memoByIdentity } from '../../base/memo.js';
import type { NftChain, NftTable } from '../../netfilter/nftables/model.js';
import { IPPROTO } from '../../packet/skb.js';
import { rulesetOf } from '../../render/rule-text.js';
import type { NodeState } from '../../scenario/model.js';
import { nativeTraceRule, randomNumbers } from './assume-nft.js';
import { dialectOf, modelRule, printed } from './compare.js';
import type { FlowBefore } from './flows.js';
import { flowKey } from './packet.js';
import { isNat } from './places.js';
import type { Assumed, Replay, Replayed, ReplayRequest, WalkSetting } from './replay.js';
import type { ModelLine } from './rounds.js';
import type { LoggedWalk } from './walks.js';

export interface Assumption {
  readonly text: string;
  readonly add: (a: Assumed) => Assumed;
  /** Enough that more lines agree; else all must. */
  readonly stepwise: boolean;
  /** It concerns all packets: what makes most of them agree is best. */
  readonly whole?: boolean;
}

export interface Looked {
  readonly q: ReplayRequest;
  readonly a: Assumed;
  readonly now: Replay;
  readonly r: Replayed;
}

export const onWalk =
  (w: LoggedWalk, s: WalkSetting) =>
  (a: Assumed): Assumed => ({ ...a, walks: new Map(a.walks).set(w.n, { ...a.walks.get(w.n), ...s }) });
const onNode =
  (commands: readonly string[]) =>
  (a: Assumed): Assumed => ({ ...a, commands: [...a.commands, ...commands] });

/** In the order in which they are tried. */
export function assumptionsFor(q: ReplayRequest, a: Assumed, now: Replay, r: Replayed): Assumption[] {
  const l: Looked = { q, a, now, r };
  return [traceRule, nativeTraceRule, lazyChains, unknownPorts, markBefore, otherMac, randomNumbers, flowsAndTunnels].flatMap((f) => f(l));
}

/** The program that changes the rules which such a log shows. */
export function iptablesOf(q: ReplayRequest, w: LoggedWalk): string {
  const six = w.lines[0].packet.family === 'ipv6' ? '6' : '';
  return `ip${six}tables-${q.log.kind === 'kernel' ? 'legacy' : 'nft'}`;
}

const MOST_TRACE_RULES = 3;

/** Somebody put TRACE there after the dump was taken, or took one away: the numbers behind it are others. */
function traceRule({ q, a, now, r }: Looked): Assumption[] {
  const p = r.comparison.parting;
  const line = p?.log;
  if (!p || line?.table !== 'raw' || (line.chain !== 'PREROUTING' && line.chain !== 'OUTPUT')) return [];
  const { given } = q;
  // Without any rules of that backend the dump is of the other one.
  if (q.log.kind === 'kernel' ? (given.iptables ?? given.ip6tables) === null : (given.iptablesNft ?? given.ip6tablesNft) === null) return [];
  const tool = iptablesOf(q, r.walk);
  const start = `${tool} -t raw -I ${line.chain} `;
  if (line.num === null) return monitoredTraceRule(start, now, r);
  const rules = rawRules(now, r, line.chain);
  const expected = p.model?.table === 'raw' && p.model.chain === line.chain ? p.model.num : rules.length + 1;
  const more = line.num - expected;
  if (more < 0) return fewerTraceRules(`${tool} -t raw -D ${line.chain} `, rules, line.chain, a);
  if (more === 0 || more > MOST_TRACE_RULES || a.commands.some((c) => c.startsWith(start))) return [];
  const first = r.walk.lines[0];
  const number = first.table === 'raw' && first.chain === line.chain && first.num !== null ? first.num : line.num;
  const last = Math.min(Math.max(1, number - more), rules.length + 1);
  const six = first.packet.family === 'ipv6' ? ' of ip6tables' : '';
  const inserted = (place: number, spec: string): Assumption => ({
    text:
      more === 1
        ? `a TRACE rule stood at raw:${line.chain}:${place}${six} that the dump does not have; the numbers behind it are one higher`
        : `${more} TRACE rules stood at raw:${line.chain}:${place}${six} that the dump does not have; the numbers behind them are ${more} higher`,
    add: onNode(new Array<string>(more).fill(`${start}${place}${spec} -j TRACE`)),
    stepwise: true,
    whole: true,
  });
  // A log begins behind the rule that made it, which stood there or further in front; a packet that it does not concern leaves no line there.
  return [...new Set([last, 1])].flatMap((place) => ['', ' -m mark --mark 0x1/0x0'].map((spec) => inserted(place, spec)));
}

function rawRules(now: Replay, r: Replayed, chain: string): string[] {
  const ref = { backend: 'legacy' as const, family: r.walk.lines[0].packet.family, table: 'raw', chain };
  const set = rulesetOf(now.node, { ...ref, num: 1 });
  const { length } = byName(byName(set?.tables ?? [], 'raw')?.chains ?? [], chain)?.rules ?? { length: 0 };
  return Array.from({ length }, (_, i) => modelRule(now.node, { e: { rule: { ...ref, num: i + 1 } } as ModelLine['e'] }) ?? '');
}

function fewerTraceRules(start: string, rules: readonly string[], chain: string, a: Assumed): Assumption[] {
  if (a.commands.filter((c) => c.startsWith(start)).length >= MOST_TRACE_RULES) return [];
  return rules.flatMap((text, i) =>
    text.endsWith('-j TRACE')
      ? [
          {
            text: `the dump’s TRACE rule raw:${chain}:${i + 1} was not there; the numbers behind it are one lower`,
            add: onNode([`${start}${i + 1}`]),
            stepwise: true,
          },
        ]
      : [],
  );
}

/** nf_tables' tools show the rule itself. */
function monitoredTraceRule(start: string, now: Replay, r: Replayed): Assumption[] {
  const { log, model } = r.comparison.parting ?? {};
  const spec = /\bnftrace set 1$/.test(log?.rule ?? '') ? '-j TRACE' : /^-A \S+ (.*-j TRACE)$/.exec(log?.rule ?? '')?.[1];
  if (spec === undefined || !log || (model && /-j TRACE$/.test(modelRule(now.node, model) ?? ''))) return [];
  const place = model?.table === 'raw' && model.chain === log.chain ? model.num : 1;
  const text = `a rule “${log.rule}” stood in raw:${log.chain} that the dump does not have`;
  return [...new Set([place, 1])].map((at) => ({ text, add: onNode([`${start}${at} ${spec}`]), stepwise: true, whole: true }));
}

/** iptables-nft makes a base chain when it is first asked for one; iptables-nft-save shows all, also those that are not there. */
function lazyChains({ q, r }: Looked): Assumption[] {
  const m = r.comparison.parting?.model;
  if (q.log.kind === 'kernel' || q.given.nftRuleset !== null || m?.kind !== 'policy' || m.num !== 1) return [];
  const seen = new Set(q.log.lines.map((l) => `${l.packet.family} ${l.table} ${l.chain}`));
  if (seen.has(`${m.packet.family} ${m.table} ${m.chain}`)) return [];
  const text =
    'base chains without rules that the log never shows were not there: iptables-nft makes them when they are asked for, and nft list ruleset would show which';
  return [{ text, add: (a) => ({ ...a, edits: [...a.edits, (n) => ({ ...n, nftRuleset: baseChains(n, seen) })] }), stepwise: true, whole: true }];
}

/** A listing of the base chains that have rules or were seen, and nothing else. */
function baseChains(n: NodeState, seen: ReadonlySet<string>): readonly NftTable[] {
  const out: NftTable[] = [];
  for (const set of [n.iptablesNft, n.ip6tablesNft])
    for (const t of set?.tables ?? []) {
      const there = t.chains.filter((c) => c.policy !== null && (c.rules.length > 0 || c.policy === 'DROP' || seen.has(`${set?.family} ${t.name} ${c.name}`)));
      const chains = there.map((c): NftChain => {
        const policy = c.policy === 'DROP' ? 'drop' : 'accept';
        return { name: c.name, base: { type: 'filter', hook: c.name.toLowerCase(), priority: 0, policy }, rules: [] };
      });
      out.push({ family: set?.family === 'ipv6' ? 'ip6' : 'ip', name: t.name, chains, sets: [], objects: [] });
    }
  return out;
}

/** A log without protocol or ports: those of the dump's own rules are tried. */
function unknownPorts({ q, r, now }: Looked): Assumption[] {
  const p = r.walk.lines[0].packet;
  if (p.proto !== null || now.node.links.length === 0) return [];
  const found = new Set<string>();
  for (const set of [q.given.iptables, q.given.iptablesNft])
    for (const t of set?.tables ?? [])
      for (const c of t.chains)
        for (let i = 0; i < c.rules.length && found.size < MOST_PORTS; i++) {
          const ref = {
            backend: set === q.given.iptables ? ('legacy' as const) : ('nft' as const),
            family: 'ipv4' as const,
            table: t.name,
            chain: c.name,
            num: i + 1,
          };
          const m = /-p (tcp|udp) .*--dport (\d+)/.exec(modelRule(now.node, { e: { rule: ref } as ModelLine['e'] }) ?? '');
          if (m) found.add(`${m[1]} ${m[2]}`);
        }
  return [...found].map((f) => {
    const [proto, port] = f.split(' ');
    const guess = { proto: proto === 'tcp' ? IPPROTO.TCP : IPPROTO.UDP, dport: Number(port) };
    return {
      text: `${of(r.walk)} was ${proto} to port ${port}: the log does not say, and with a port of this rule set it agrees best`,
      add: onWalk(r.walk, { guess }),
      stepwise: true,
    };
  });
}
const MOST_PORTS = 24;

export const of = (w: LoggedWalk): string => `packet ${w.n}`;

function markBefore({ q, r }: Looked): Assumption[] {
  // nft monitor trace shows it beside policies only.
  const at = q.log.kind === 'nft-monitor' ? r.walk.lines.findIndex((l) => l.mark !== null) : 0;
  if (at < 0) return [];
  const mark = r.walk.lines[at].mark ?? r.walk.lines[at].packet.mark;
  const model = (r.round ? printed(r.round, dialectOf(q.log))[r.comparison.from + at] : undefined)?.packet.mark;
  if (mark === 0 || model === mark || r.walk.hook === 'INPUT') return [];
  return [{ text: `${of(r.walk)} came to the first hook with mark 0x${mark.toString(16)}`, add: onWalk(r.walk, { mark }), stepwise: true }];
}

function otherMac({ r }: Looked): Assumption[] {
  const mac = r.walk.lines[0].packet.mac;
  if (mac === null || !r.round?.events.some((e) => e.t === 'drop' && e.cause === 'not-for-us')) return [];
  return [
    {
      text: `${of(r.walk)}: its frame was for this node, although the dump gives the device another MAC address`,
      add: onWalk(r.walk, { forUs: true }),
      stepwise: true,
    },
  ];
}

const MOST_TUNNELS = 8;
const SYN = 2;
const ACK = 16;

/** A flow or a tunnel of before the log, and both together. */
function flowsAndTunnels({ q, a, now, r }: Looked): Assumption[] {
  const set = a.walks.get(r.walk.n);
  const p = r.walk.lines[0].packet;
  const refused = r.round?.events.some((e) => e.t === 'drop' && e.cause === 'xfrm-policy') ?? false;
  const tunnels =
    set?.tunnel || p.in === '' || (!refused && q.given.xfrmPolicies.length === 0)
      ? []
      : q.given.xfrmStates.filter((s) => s.mode === 'tunnel').slice(0, MOST_TUNNELS);
  const { model = null, log = null } = r.comparison.parting ?? {};
  const lost = r.round?.events.some((e) => e.t === 'drop') ?? true;
  if (!set?.flow && !lost && isNat(now.node, log) && !isNat(now.node, model) && isKnown(q.walks, r.walk))
    return [{ text: flowText(r.walk, 'gone'), add: onWalk(r.walk, { flow: 'gone' }), stepwise: true }];
  const flows =
    set?.flow || (p.tcp && (p.tcp.flags & (SYN | ACK)) === SYN) ? [] : flowOrder(r.walk).filter((f) => f === 'answered' || !isKnown(q.walks, r.walk));
  const out: Assumption[] = flows.map((flow) => ({ text: flowText(r.walk, flow), add: onWalk(r.walk, { flow }), stepwise: aboutNat(now.node, r) }));
  for (const tunnel of tunnels) {
    const text = `${of(r.walk)} came out of the IPsec tunnel with SPI 0x${tunnel.spi.toString(16)}`;
    out.push({ text, add: onWalk(r.walk, { tunnel }), stepwise: refused });
    for (const flow of flows) out.push({ text: `${text}; ${flowText(r.walk, flow)}`, add: onWalk(r.walk, { tunnel, flow }), stepwise: false });
  }
  return out;
}

/** Has the log shown the flow before? Then it did not begin before the log. */
function isKnown(walks: readonly LoggedWalk[], w: LoggedWalk): boolean {
  const keys = keysOf(w);
  return walks.some((x) => x.n < w.n && keysOf(x).some((k) => keys.includes(k)));
}
const keysOf = memoByIdentity((w: LoggedWalk): readonly string[] => [flowKey(w.lines[0].packet), flowKey(w.lines[w.lines.length - 1].packet)]);

/** Does the one show a nat chain where the other has none? */
function aboutNat(node: NodeState, r: Replayed): boolean {
  const p = r.comparison.parting;
  return p !== null && isNat(node, p.model) !== isNat(node, p.log);
}

const flowText = (w: LoggedWalk, f: FlowBefore): string =>
  f === 'gone'
    ? `the flow of ${of(w)} was new again: what earlier packets had left of it in connection tracking was gone (timed out, deleted)`
    : f === 'answered'
      ? `the flow of ${of(w)} had been answered, though the log does not show the answer`
      : `the flow of ${of(w)} began before the log, and this packet is of its ${f} direction`;

/** The likelier first: answers tell themselves by type, flags, or a port of a service as their source. */
function flowOrder(w: LoggedWalk): FlowBefore[] {
  const p = w.lines[0].packet;
  const isReply =
    p.icmp !== null
      ? p.icmp.type === 0 || p.icmp.type === 129
      : (p.tcp && (p.tcp.flags & (SYN | ACK)) === (SYN | ACK)) || ((p.sport ?? 0) < 1024 && (p.dport ?? 0) >= 1024);
  if (p.icmp && isReply) return ['reply'];
  return isReply ? ['reply', 'answered', 'original'] : ['answered', 'original', 'reply'];
}
