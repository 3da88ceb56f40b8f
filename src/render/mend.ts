/**
 * The smallest changes that let a lost packet pass the place where it was lost, as `--do` of the same command takes them. What becomes of it behind that place,
 * the next run says. test/render/mend.test.ts holds that each does what it says.
 */
import { type Addr, formatAddr } from '../base/addr.js';
import { byName } from '../base/memo.js';
import { endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import { type EventOf, isXtRule, type RuleRef } from '../trace/event.js';
import { inBridge, nfCall, uncoveredAt } from './because.js';
import { type DropContext, dropContext } from './drop-context.js';
import { missedSetsBefore, rewriteAt } from './earlier.js';
import { reroutesAt } from './how.js';
import { hopsOf } from './lineage.js';
import { dotted, iptables, unmarked } from './look.js';
import { nftPassed } from './mend-nft.js';
import { ruleText } from './rule-text.js';
import type { Parting, PartingKind } from './way-back.js';

/** Commands on one node; where there are several they belong together. */
export interface Change {
  readonly node: string;
  readonly commands: readonly string[];
}

const one = (node: string, command: string): Change => ({ node, commands: [command] });

const MAX_CHANGES = 3;

/** Changes that were made in front of another run, and what became of the packet there. */
export interface Tried {
  readonly changes: readonly Change[];
  /** It does not fail any more. */
  readonly saves: boolean;
  /** What its headline says of it then. */
  readonly fate: string;
  /** Packets that fail only since. */
  readonly harms: readonly string[];
  /** The packet in that run. */
  readonly packet: PacketRun;
}

/** `NODE: COMMAND`, as --do takes them. */
export const commandsOf = (changes: readonly Change[]): readonly string[] => changes.flatMap((c) => c.commands.map((x) => `${c.node}: ${x}`));
const options = (changes: readonly Change[]): string =>
  commandsOf(changes)
    .map((x) => `--do '${x}'`)
    .join(' ');

/** `try: --do 'NODE: COMMAND'  or  …`; nothing where there is no change to offer. */
export function tryLine(changes: readonly Change[]): string[] {
  const all = [...new Set(changes.map((c) => options([c])))].slice(0, MAX_CHANGES);
  return all.length === 0 ? [] : [`try: ${all.join('  or  ')}`];
}

/** The same with what came of each; such as save the packet come first. */
export const triedLines = (list: readonly Tried[]): string[] =>
  list.slice(0, MAX_CHANGES).map((t) => {
    const harm = t.harms.length === 0 ? '' : `, but ${t.harms.join(', ')} ${t.harms.length === 1 ? 'fails' : 'fail'}`;
    return `${t.saves ? 'try' : 'not enough'}: ${options(t.changes)}  (then: ${t.fate}${harm})`;
  });

const family = (a: Addr): string => (typeof a === 'number' ? 'iptables' : 'ip6tables');
const text = (v: unknown): string => (typeof v === 'string' ? v : '');
const set = (path: string, value: number): string => `sysctl -w ${dotted(path)}=${value}`;
const conf = (c: DropContext, key: string): string => `net/${c.family}/conf/${typeof c.facts.dev === 'string' ? c.facts.dev : c.dev}/${key}`;

/** Options of a rule for this packet and those like it. Neighbour discovery has to pass whoever asks. */
function like(c: DropContext): string {
  if (c.proto === 'ipv6-icmp' && c.dst.startsWith('ff02:')) return '-p ipv6-icmp';
  const ports = c.dport && (c.proto === 'tcp' || c.proto === 'udp') ? ` --dport ${c.dport}` : '';
  return `-s ${c.src} -d ${c.dst} -p ${c.proto}${ports}`;
}

/** At the place itself. */
function atPlace(c: DropContext, p: PacketRun, at: number): (string | readonly string[])[] {
  const d = p.events[at] as EventOf<'drop'>;
  switch (c.cause) {
    case 'rp-filter':
      return c.facts.reverse_dev === null ? [] : [...(unmarked(c) ? [set(conf(c, 'src_valid_mark'), 1)] : []), set(conf(c, 'rp_filter'), 2)];
    case 'source-is-ours':
      return [set(conf(c, 'accept_local'), 1)];
    case 'localnet':
      return [set(conf(c, 'route_localnet'), 1)];
    case 'forwarding-off':
      return [c.family === 'ipv4' ? 'sysctl -w net.ipv4.ip_forward=1' : 'sysctl -w net.ipv6.conf.all.forwarding=1'];
    case 'device-down': {
      const dev = text(c.facts.dev) || c.out || c.dev;
      return dev === '' ? [] : [`ip link set dev ${dev} up`];
    }
    case 'bridge-hairpin':
      return typeof c.facts.to === 'string' ? [`bridge link set dev ${c.facts.to} hairpin on`] : [];
    case 'bridge-isolated':
      return typeof c.facts.from === 'string' ? [`bridge link set dev ${c.facts.from} isolated off`] : [];
    case 'queue-unheard':
      return d.rule ? [bypassed(c, d.rule, p)] : [];
    case 'rule-drop':
    case 'policy-drop':
      if (d.rule?.backend === 'nftables') return nftPassed(c, d, p);
      return d.rule && isXtRule(d.rule) ? passed(c, d, p, at) : [];
    default:
      return [];
  }
}

const bypassed = (c: DropContext, rule: RuleRef, p: PacketRun): string =>
  `${iptables(c)} -t ${c.table} -R ${ruleText(p.nodes.get(c.node), rule)?.replace(/^-A (\S+)/, `$1 ${rule.num}`)} --queue-bypass`;

function passed(c: DropContext, d: EventOf<'drop'>, p: PacketRun, at: number): (string | readonly string[])[] {
  const bridged = inBridge(p, at) ? [`sysctl -w ${nfCall(c.family === 'ipv6')}=0`] : [];
  const tool = `${iptables(c)} -t ${c.table}`;
  if (c.cause === 'rule-drop') return [`${tool} -I ${c.chain} ${d.rule!.num} ${like(c)} -j ACCEPT`, ...bridged];
  const accept = `${tool} -A ${c.chain} ${like(c)} -j ACCEPT`;
  const answers = `${tool} -A ${c.chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`;
  return [like(c) === '-p ipv6-icmp' || answersPass(p, d) ? accept : [accept, answers], ...bridged];
}

/** Does a rule of the chain let answers pass, whatever they are? Else they would die of the same policy. */
function answersPass(p: PacketRun, d: EventOf<'drop'>): boolean {
  const n = p.nodes.get(d.node);
  if (!n || !d.rule) return false;
  for (let num = 1; num < d.rule.num; num++) {
    const rule = ruleText(n, { ...d.rule, num }) ?? '';
    if (/ESTABLISHED.* -j ACCEPT/.test(rule) && !/ -[iosdp] /.test(rule)) return true;
  }
  return false;
}

/** Rules that would have accepted it, had their set the address. */
function missedAccepts(p: PacketRun, at: number): Change[] {
  const { node } = p.events[at];
  return missedSetsBefore(p, at)
    .filter((s) => s.rule !== null && /(-j ACCEPT| accept)$/.test(ruleText(p.nodes.get(node), s.rule) ?? ''))
    .map((s) => one(node, addMember(s)));
}

const addMember = ({ rule, set, member }: EventOf<'set-test'>): string =>
  rule?.backend === 'nftables' ? `nft add element ${rule.family} ${rule.table} ${set.slice(1)} { ${member} }` : `ipset add ${set} ${member}`;

/** What happened to it before and led there: a set without its address, NAT in front of IPsec, a second route with the first one's address. */
function before(p: PacketRun, at: number): Change[] {
  const out: Change[] = [];
  const drop = p.events[at] as EventOf<'drop'>;
  if (drop.cause === 'policy-drop') out.push(...missedAccepts(p, at));
  const nat = rewriteAt(p, at);
  if (nat >= 0) {
    const e = p.events[nat] as EventOf<'nat'>;
    for (const s of missedSetsBefore(p, nat)) {
      const known =
        s.rule?.backend === 'nftables' ? !/ v?map @/.test(ruleText(p.nodes.get(e.node), s.rule) ?? '') : byName(p.nodes.get(e.node)?.sets ?? [], s.set);
      if (known) out.push(one(e.node, addMember(s)));
    }
    if (inBridge(p, nat) && e.before.src !== e.after.src && !translatedInBridge(p, nat))
      out.push(one(e.node, `sysctl -w ${nfCall(typeof e.before.src === 'string')}=0`));
    if (uncoveredAt(p, nat)) {
      out.push(one(e.node, `${family(e.before.src)} -t nat -I POSTROUTING 1 -m policy --dir out --pol ipsec -j ACCEPT`));
    }
  }
  for (const i of reroutesAt(p, at)) {
    const e = p.events[i] as EventOf<'route'>;
    out.push(one(e.node, `${family(e.dst)} -t nat -A POSTROUTING -o ${e.dev} -j MASQUERADE`));
  }
  return out;
}

/** A frame for the bridge itself, which DNAT sends to another port: without br_netfilter it is routed and meets the same rules. */
const translatedInBridge = (p: PacketRun, at: number): boolean =>
  p.events.some((e, i) => i < at && e.t === 'nat' && e.manip === 'DNAT' && !e.undo && inBridge(p, i));

/** `at`: index of the drop. */
export function mendDrop(p: PacketRun, at: number): Change[] {
  const c = dropContext(p, at);
  return [...before(p, at), ...atPlace(c, p, at).map((x) => ({ node: c.node, commands: typeof x === 'string' ? [x] : x }))];
}

/** An answer that kept the address which DNAT had chosen: it has to come back through that node, or to be shown to iptables there. */
export function mendWrongSource(nat: EventOf<'nat'>, parting: PartingKind | null): Change[] {
  const v6 = typeof nat.after.dst === 'string';
  if (parting === 'bridged') return [one(nat.node, `sysctl -w ${nfCall(v6)}=1`)];
  return [one(nat.node, `${v6 ? 'ip6tables' : 'iptables'} -t nat -I POSTROUTING 1 -d ${formatAddr(nat.after.dst)} -j MASQUERADE`)];
}

/**
 * An answer that left its request's way: a rule on that node that sends what is from its address back to where the request came from, or an address of
 * the router before it, so that the answer goes there.
 */
export function mendAstray(p: PacketRun, parting: Parting): Change[] {
  const { before, there, node, routedFrom } = parting;
  const request = p.outcome.request.start;
  if (before === null || before.out === null || there.in === null || request === null) return [];
  const ip = typeof request.dst === 'number' ? 'ip' : 'ip -6';
  const via = addressOn(p, before.node, before.out, typeof request.dst === 'number' ? 'ipv4' : 'ipv6');
  const out: Change[] = [];
  if (via !== null && routedFrom !== null) {
    const table = freeTable(p, node);
    out.push({
      node,
      commands: [
        `${ip} route add default via ${formatAddr(via)} dev ${there.in} table ${table}`,
        `${ip} rule add from ${formatAddr(routedFrom)} lookup ${table} priority ${table}`,
      ],
    });
  }
  const left = p.events.slice(before.from, before.to + 1).findLast((e) => 'view' in e && e.view && p.outcome.skbs.get(e.skb)?.answers === 0);
  const at = (left && 'view' in left ? endsOf(left.view)?.dst : undefined) ?? request.dst;
  if (before.in !== null) out.push(one(before.node, `${family(at)} -t nat -I POSTROUTING 1 -o ${before.out} -d ${formatAddr(at)} -j MASQUERADE`));
  return out;
}

/** A node that has no route for its answer: a route back the way the request came, or an address of the router before it. `at`: an event of the request there. */
export function mendUnanswered(p: PacketRun, at: number, to: Addr): Change[] {
  const hops = hopsOf(p, at, 0);
  const [before, here] = hops.slice(-2);
  if (hops.length < 2 || before.out === null || here.in === null) return [];
  const v4 = typeof to === 'number';
  const via = addressOn(p, before.node, before.out, v4 ? 'ipv4' : 'ipv6');
  const out: Change[] = [];
  if (via !== null && via !== to) out.push(one(here.node, `${v4 ? 'ip' : 'ip -6'} route add ${formatAddr(to)} via ${formatAddr(via)} dev ${here.in}`));
  const dst = p.outcome.request.end?.dst;
  if (before.in !== null && dst !== undefined)
    out.push(one(before.node, `${family(to)} -t nat -I POSTROUTING 1 -o ${before.out} -d ${formatAddr(dst)} -j MASQUERADE`));
  return out;
}

const addressOn = (p: PacketRun, node: string, dev: string, of: 'ipv4' | 'ipv6'): Addr | null =>
  p.nodes.get(node)?.addrs.find((a) => a.dev === dev && a.family === of && a.scope === 'global')?.local ?? null;

function freeTable(p: PacketRun, node: string): number {
  const n = p.nodes.get(node);
  const used = new Set([...(n?.routes ?? []).map((r) => r.table), ...(n?.rules ?? []).map((r) => (r.action.kind === 'lookup' ? r.action.table : 0))]);
  let table = 100;
  while (used.has(table)) table++;
  return table;
}

/** Where source validation kept an ARP request from being answered. */
export const mendRefused = (s: EventOf<'source-check'>): Change[] => (s.reverseDev === null ? [] : [one(s.node, set(`net/ipv4/conf/${s.dev}/rp_filter`, 2))]);
