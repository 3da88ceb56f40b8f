/** The walk of one packet, node by node and hook by hook, as lines. */
import { formatAddr, formatMac } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import { IPPROTO } from '../packet/skb.js';
import type { NodeState } from '../scenario/model.js';
import { endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Event, EventOf, PacketView, RouteStep, RuleRef } from '../trace/event.js';
import { chainPlace, rulePlace } from '../trace/place.js';
import { dropContext, lastView } from './drop-context.js';
import type { Paint } from './paint.js';
import { ruleText } from './rule-text.js';
import { sentence } from './sentence.js';

interface WalkOptions {
  readonly verbose: boolean;
  readonly paint: Paint;
}

/** A line of the walk; `rule` ones are aligned with their neighbours. */
interface Line {
  readonly rule: string | null;
  readonly text: string;
  readonly style: 'bad' | 'good' | 'head' | 'faint' | null;
}
const plain = (text: string): Line => ({ rule: null, text, style: null });

/** `shown`: the events to tell, out of all of `p`. */
export function walkLines(p: PacketRun, shown: readonly Event[], o: WalkOptions): string[] {
  const out: string[] = [];
  let node = '';
  let block: Line[] = [];
  const flush = (): void => {
    out.push(...aligned(block, o.paint));
    block = [];
  };
  for (const e of shown) {
    const line = lineOf(e, p, o);
    if (line === null) continue;
    if (e.node !== node) {
      flush();
      node = e.node;
      out.push(o.paint('head', `${node}:`));
    }
    if (e.t === 'hook') flush();
    block.push(line);
  }
  flush();
  return out;
}

/** Beyond this a long chain name pushes its own line out, not everybody's. */
const MAX_PLACE = 36;

function aligned(lines: readonly Line[], paint: Paint): string[] {
  const width = Math.min(MAX_PLACE, Math.max(0, ...lines.map((l) => l.rule?.length ?? 0)));
  return lines.map((l) => {
    const text = l.rule === null ? `  ${l.text}` : `      ${l.rule.padEnd(width)}  ${l.text}`;
    return l.style === null ? text : paint(l.style, text);
  });
}

export function packetWords(v: PacketView): string {
  const e = endsOf(v);
  if (!e) return v.protocol === 0x0806 ? 'ARP' : `ethertype 0x${v.protocol.toString(16)}`;
  const ports = e.sport || e.dport;
  const src = `${formatAddr(e.src)}${ports ? `:${e.sport}` : ''}`;
  const dst = `${formatAddr(e.dst)}${ports ? `:${e.dport}` : ''}`;
  const icmp = e.type >= 0 ? icmpWords(e.proto, e.type, e.code) : '';
  const mark = v.mark ? ` mark 0x${v.mark.toString(16)}` : '';
  return `${protocolName(e.proto) ?? `proto ${e.proto}`} ${src} > ${dst}${icmp}${mark}`;
}

const ICMP_NAMES = new Map([
  ['1/8', 'echo request'],
  ['1/0', 'echo reply'],
  ['1/3', 'unreachable'],
  ['1/11', 'time exceeded'],
  ['1/5', 'redirect'],
  ['58/128', 'echo request'],
  ['58/129', 'echo reply'],
  ['58/1', 'unreachable'],
  ['58/2', 'packet too big'],
  ['58/3', 'time exceeded'],
  ['58/135', 'neighbour solicitation'],
  ['58/136', 'neighbour advertisement'],
]);
/** Codes of “unreachable” as people know them. */
const UNREACHABLE = new Map([
  ['1/3/0', 'net unreachable'],
  ['1/3/1', 'host unreachable'],
  ['1/3/2', 'protocol unreachable'],
  ['1/3/3', 'port unreachable'],
  ['1/3/4', 'unreachable, fragmentation needed'],
  ['1/3/9', 'net unreachable, admin prohibited'],
  ['1/3/10', 'host unreachable, admin prohibited'],
  ['1/3/13', 'unreachable, admin prohibited'],
  ['58/1/0', 'unreachable, no route'],
  ['58/1/1', 'unreachable, admin prohibited'],
  ['58/1/3', 'address unreachable'],
  ['58/1/4', 'port unreachable'],
]);
function icmpWords(proto: number, type: number, code: number): string {
  const known = UNREACHABLE.get(`${proto}/${type}/${code}`);
  if (known) return ` ${known}`;
  const name = ICMP_NAMES.get(`${proto}/${type}`);
  return name ? ` ${name}${code ? ` code ${code}` : ''}` : ` type ${type} code ${code}`;
}

const hookTail = (e: EventOf<'hook'>): string => `${e.in ? ` in ${e.in}` : ''}${e.out ? ` out ${e.out}` : ''}`;

/** Rules without their chain (the place says it) and, unless asked for, without comments. */
function ruleWords(n: NodeState | undefined, r: RuleRef, verbose: boolean): string {
  const text = ruleText(n, r) ?? '';
  const body = text.startsWith(`-A ${r.chain}`) ? text.slice(r.chain.length + 3).trimStart() : text;
  return verbose ? body : body.replace(/-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+) ?/g, '').trimEnd();
}

function noMatch(e: EventOf<'no-match'>, n: NodeState | undefined, verbose: boolean): string {
  const why = e.why.map((w) => `${w.field}: wanted ${w.wanted}${w.had ? `, had ${w.had}` : ''}`).join('; ');
  return `no: ${ruleWords(n, e.rule, verbose)}${why ? `  (${why})` : ''}`;
}

/** One line of the walk, or null where the event says nothing to a person. */
function lineOf(e: Event, p: PacketRun, o: WalkOptions): Line | null {
  const n = p.nodes.get(e.node);
  switch (e.t) {
    case 'hook':
      return plain(`[${e.family === 'bridge' ? 'bridge ' : ''}${e.hook}]${hookTail(e)}  ${packetWords(e.view)}`);
    case 'match':
      return { rule: rulePlace(e.rule), text: ruleWords(n, e.rule, o.verbose), style: null };
    case 'no-match':
      return o.verbose ? { rule: rulePlace(e.rule), text: noMatch(e, n, o.verbose), style: 'faint' } : null;
    case 'policy':
      return e.policy === 'DROP' || o.verbose ? { rule: chainPlace(e.rule), text: `policy ${e.policy}`, style: null } : null;
    case 'set-test':
      return o.verbose ? { rule: '', text: `set ${e.set}: ${e.member} ${e.hit ? 'is in it' : 'is not in it'}`, style: 'faint' } : null;
    case 'drop':
      return { rule: null, text: `DROPPED ${e.reason} in ${e.location}: ${sentence(dropContext(p, p.events.indexOf(e)))}`, style: 'bad' };
    case 'inconclusive':
      return { rule: null, text: `INCONCLUSIVE: ${e.what}`, style: 'bad' };
    case 'deliver':
      return { rule: null, text: `delivered to ${e.socket} (${e.what})`, style: 'good' };
    default: {
      const text = movement(e, p);
      return text === null ? null : plain(text);
    }
  }
}

function movement(e: Event, p: PacketRun): string | null {
  switch (e.t) {
    case 'skb':
      return e.origin.kind === 'received' ? null : `${originWords(e)}: ${packetWords(e.view)}`;
    case 'receive':
      return `arrives on ${e.dev}${macs(e.frame)}`;
    case 'emit':
      return `leaves by ${e.dev}${macs(e.frame)}`;
    case 'route':
      return routeLine(e);
    case 'source-check':
      return sourceLine(e);
    case 'conntrack':
      return `conntrack ${e.what}${e.state ? ` ${e.state}` : ''}`;
    case 'nat':
      return natLine(e, hasPorts(p, e));
    case 'mangle':
      return `    ${e.field} ${mangleValue(e.field, e.before)} becomes ${mangleValue(e.field, e.after)}`;
    case 'neigh':
      return e.state === 'known' ? null : `neighbour ${formatAddr(e.addr)} on ${e.dev}: ${e.state}`;
    case 'bridge':
      return `bridge ${e.bridge}: ${e.what} ${e.port}${e.to ? ` to ${e.to}` : ''} (${formatMac(e.mac)})`;
    case 'xfrm':
      return `IPsec ${e.what} ${e.dir}: ${e.text}`;
    case 'consume':
      return e.why === 'echo-replied' ? 'answers the echo request' : e.why === 'handled' ? null : e.why === 'held' ? 'waits for the neighbour' : e.why;
    case 'klog':
      return `kernel log: ${e.text}`;
    case 'log':
      return `    LOG ${e.prefix}`.trimEnd();
    case 'assumed':
      return `assumed, since no dump says it: ${e.what} = ${e.value}`;
    case 'choice':
      return `free choice: ${e.what} ${e.value}`;
    default:
      return null;
  }
}

const mangleValue = (field: string, v: number | string): string => (typeof v === 'number' && /mark|tos|dscp/i.test(field) ? `0x${v.toString(16)}` : String(v));

/** Whether what stands where ports would be are ports. */
function hasPorts(p: PacketRun, e: Event): boolean {
  const v = lastView(p.events, p.events.indexOf(e), e.skb);
  const proto = v && endsOf(v)?.proto;
  return proto !== IPPROTO.ICMP && proto !== IPPROTO.ICMPV6;
}

function natLine(e: EventOf<'nat'>, ports: boolean): string {
  const port = (n: number): string => (ports && n ? `:${n}` : '');
  const ends = (x: EventOf<'nat'>['before']): string => `${formatAddr(x.src)}${port(x.sport)} > ${formatAddr(x.dst)}${port(x.dport)}`;
  return `${e.manip}${e.undo ? ' undone' : ''}: ${ends(e.before)} becomes ${ends(e.after)}`;
}

function sourceLine(e: EventOf<'source-check'>): string {
  const back = e.reverseDev ? `route back by ${e.reverseDev}, ` : '';
  return `source check: ${formatAddr(e.src)} on ${e.dev}, ${back}rp_filter ${e.effective} (all ${e.rpFilterAll}, ${e.dev} ${e.rpFilterDev}): ${e.ok ? 'ok' : 'refused'}`;
}

function originWords(e: EventOf<'skb'>): string {
  switch (e.origin.kind) {
    case 'icmp-error':
      return 'makes an ICMP error';
    case 'reply':
      return 'makes an answer';
    case 'sent':
      return 'sends';
    case 'injected':
      return 'a packet from outside';
    default:
      return e.origin.kind;
  }
}

function routeLine(e: EventOf<'route'>): string | null {
  if (e.purpose === 'other') return null;
  const best: RouteStep | undefined = [...e.tables].reverse().find((t) => t.route !== null);
  const to = e.errno !== 0 ? `errno ${e.errno}` : `${e.type}${e.dev ? ` dev ${e.dev}` : ''}${e.gateway !== null ? ` via ${formatAddr(e.gateway)}` : ''}`;
  return `route (${e.purpose}) to ${formatAddr(e.dst)}: ${to}${best?.route ? `  [table ${best.table}: ${best.route.trim()}]` : ''}`;
}

/** Source and destination MAC of a frame that has them. */
function macs(frame: Uint8Array): string {
  const version = frame.length > 0 ? frame[0] >>> 4 : 0;
  if (frame.length < 14 || (version === 4 && frame.length >= 20 && ((frame[2] << 8) | frame[3]) === frame.length)) return '';
  const mac = (at: number): string => [...frame.subarray(at, at + 6)].map((b) => b.toString(16).padStart(2, '0')).join(':');
  return ` (${mac(6)} > ${mac(0)})`;
}
