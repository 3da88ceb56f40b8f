/** The walk of one packet, node by node and hook by hook, as lines. */
import { formatAddr, formatMac } from '../base/addr.js';
import { protocolName } from '../base/well-known.js';
import type { NodeState } from '../scenario/model.js';
import { endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { Event, EventOf, PacketView, RouteStep } from '../trace/event.js';
import { rulePlace, ruleText } from './rule-text.js';
import { sentence } from './sentence.js';

interface WalkOptions {
  readonly verbose: boolean;
}

export function walkLines(p: PacketRun, o: WalkOptions): string[] {
  const out: string[] = [];
  let node = '';
  for (const e of p.events) {
    const text = line(e, p.nodes.get(e.node), o);
    if (text === null) continue;
    if (e.node !== node) {
      node = e.node;
      out.push(`${node}:`);
    }
    out.push(`  ${text}`);
  }
  return out;
}

export function packetWords(v: PacketView): string {
  const e = endsOf(v);
  if (!e) return v.protocol === 0x0806 ? 'ARP' : `ethertype 0x${v.protocol.toString(16)}`;
  const ports = e.sport || e.dport;
  const src = `${formatAddr(e.src)}${ports ? `:${e.sport}` : ''}`;
  const dst = `${formatAddr(e.dst)}${ports ? `:${e.dport}` : ''}`;
  const icmp = e.type >= 0 ? ` type ${e.type} code ${e.code}` : '';
  const mark = v.mark ? ` mark 0x${v.mark.toString(16)}` : '';
  return `${protocolName(e.proto) ?? `proto ${e.proto}`} ${src} > ${dst}${icmp}${mark}`;
}

const hookTail = (e: EventOf<'hook'>): string => `${e.in ? ` in ${e.in}` : ''}${e.out ? ` out ${e.out}` : ''}`;

/** One line of the walk, or null where the event says nothing to a person. */
function line(e: Event, n: NodeState | undefined, o: WalkOptions): string | null {
  switch (e.t) {
    case 'skb':
      return e.origin.kind === 'received' ? null : `${originWords(e)}: ${packetWords(e.view)}`;
    case 'receive':
      return `arrives on ${e.dev}${macs(e.frame)}`;
    case 'hook':
      return `[${e.family === 'bridge' ? 'bridge ' : ''}${e.hook}]${hookTail(e)}  ${packetWords(e.view)}`;
    case 'match':
      return `  ${rulePlace(e.rule).padEnd(34)} ${ruleText(n, e.rule) ?? ''}`;
    case 'no-match':
      return o.verbose
        ? `  ${rulePlace(e.rule).padEnd(34)} no: ${ruleText(n, e.rule) ?? ''}${e.why.map((w) => `  {${w.field}: wanted ${w.wanted}${w.had ? `, had ${w.had}` : ''}}`).join('')}`
        : null;
    case 'policy':
      return e.policy === 'DROP' || o.verbose ? `  ${e.rule.table}:${e.rule.chain} policy ${e.policy}` : null;
    case 'route':
      return routeLine(e);
    case 'source-check':
      return `source check: ${formatAddr(e.src)} on ${e.dev}, route back ${e.reverseDev ? `by ${e.reverseDev}` : 'not needed or none'}, rp_filter ${e.effective} (all ${e.rpFilterAll}, ${e.dev} ${e.rpFilterDev}): ${e.ok ? 'ok' : 'refused'}`;
    case 'conntrack':
      return `conntrack ${e.what}${e.state ? ` ${e.state}` : ''}`;
    case 'nat':
      return `${e.manip}${e.undo ? ' undone' : ''}: ${formatAddr(e.before.src)}:${e.before.sport} > ${formatAddr(e.before.dst)}:${e.before.dport} becomes ${formatAddr(e.after.src)}:${e.after.sport} > ${formatAddr(e.after.dst)}:${e.after.dport}`;
    case 'mangle':
      return `  ${e.field} ${e.before} becomes ${e.after}`;
    case 'set-test':
      return o.verbose ? `  set ${e.set}: ${e.member} ${e.hit ? 'is in it' : 'is not in it'}` : null;
    case 'neigh':
      return e.state === 'known' ? null : `neighbour ${formatAddr(e.addr)} on ${e.dev}: ${e.state}`;
    case 'bridge':
      return `bridge ${e.bridge}: ${e.what} ${e.port}${e.to ? ` to ${e.to}` : ''} (${formatMac(e.mac)})`;
    case 'xfrm':
      return `xfrm ${e.what} ${e.dir}: ${e.text}`;
    case 'emit':
      return `leaves by ${e.dev}${macs(e.frame)}`;
    case 'deliver':
      return `delivered to ${e.socket} (${e.what})`;
    case 'drop':
      return `DROPPED ${e.reason} in ${e.location}: ${sentence(e)}`;
    case 'consume':
      return e.why === 'echo-replied' ? 'answers the echo request' : e.why === 'handled' ? null : e.why;
    case 'klog':
      return `kernel log: ${e.text}`;
    case 'log':
      return `  LOG ${e.prefix}`;
    case 'inconclusive':
      return `INCONCLUSIVE: ${e.what}`;
    case 'assumed':
      return `assumed: ${e.what} = ${e.value}`;
    case 'choice':
      return `free choice: ${e.what} ${e.value}`;
    default:
      return null;
  }
}

function originWords(e: EventOf<'skb'>): string {
  switch (e.origin.kind) {
    case 'icmp-error':
      return 'makes an ICMP error';
    case 'reply':
      return 'makes an answer';
    case 'fragment':
      return 'fragment';
    case 'reassembled':
      return 'reassembled';
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
  return `route (${e.purpose}) to ${formatAddr(e.dst)}: ${to}${best ? `  [table ${best.table}: ${best.route!.trim()}]` : ''}`;
}

/** Destination and source MAC of a frame that has them. */
function macs(frame: Uint8Array): string {
  const version = frame.length > 0 ? frame[0] >>> 4 : 0;
  if (frame.length < 14 || (version === 4 && frame.length >= 20 && ((frame[2] << 8) | frame[3]) === frame.length)) return '';
  const mac = (at: number): string => [...frame.subarray(at, at + 6)].map((b) => b.toString(16).padStart(2, '0')).join(':');
  return ` (${mac(6)} > ${mac(0)})`;
}
