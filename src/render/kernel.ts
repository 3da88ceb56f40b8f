/**
 * `--format kernel`: what the nodes' kernel logs would hold, in order: TRACE lines of the legacy backend, LOG targets, the bridge's log watcher, martians.
 * nf_log_ip_packet(), nf_log_ip6_packet(), dump_mac_header() (net/netfilter/nf_log_syslog.c), ebt_log_packet() (net/bridge/netfilter/ebt_log.c).
 * No time stamps: they are no part of the simulation. Blanks at the end of a line are left out, as they are by those who quote a log.
 */
import { formatMac } from '../base/addr.js';
import { byName } from '../base/memo.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../packet/skb.js';
import type { NodeState } from '../scenario/model.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import type { Event, EventOf, PacketView } from '../trace/event.js';
import { shownEvents } from './narrow.js';
import { LOGFLAG, logBridged, logPacket, TRACE_LOGFLAGS } from './nf-log-packet.js';
import type { RenderOptions } from './renderer.js';

export function renderKernel(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  return run.packets
    .flatMap((p) => kernelLines(p, shownEvents(p, o.narrow)))
    .map((l) => `${l}\n`)
    .join('');
}

/** `shown`: the events to print, out of all of `p`. */
export function kernelLines(p: Pick<PacketRun, 'events' | 'nodes'>, shown: readonly Event[]): string[] {
  const out: string[] = [];
  /** The device that skb->dev names where a LOG target prints: the hook's input device until POSTROUTING, then its output device. */
  const at = new Map<number, EventOf<'hook'>>();
  const traceLine = traceLines();
  for (const e of shown) {
    if (e.t === 'hook') at.set(e.skb, e);
    else if (e.t === 'klog') out.push(e.text.trimEnd(), ...martianHeader(p, e));
    else if (e.t === 'trace') out.push(traceLine(e));
    else if (e.t === 'log' && e.level >= 0) {
      if (e.rule.backend === 'ebtables') out.push(bridgeLine(e).trimEnd());
      else out.push(`${e.prefix}${inet(e, e.options, linkTypeOf(p.nodes.get(e.node), skbDev(e, at.get(e.skb))))}`.trimEnd());
    }
  }
  return out;
}

/** TRACE lines one by one. What stands behind the rule's name is the same for all lines of a hook, so it is written once. */
export function traceLines(): (e: EventOf<'trace'>) => string {
  let last: EventOf<'trace'> | null = null;
  let head = '';
  let tail = '';
  return (e) => {
    const { table, chain, num } = e.rule;
    if (last === null || last.rule.table !== table) head = `TRACE: ${table}:`;
    if (last === null || !sameTail(last, e)) tail = ` ${inet(e, TRACE_LOGFLAGS, e.macLinkType)}`.trimEnd();
    last = e;
    // Put together from few pieces: there are as many lines as rules matched.
    return head + chain + KINDS[e.kind] + num + tail;
  };
}
const KINDS = { rule: ':rule:', return: ':return:', policy: ':policy:' } as const;

const sameTail = (a: EventOf<'trace'>, b: EventOf<'trace'>): boolean =>
  a.view === b.view &&
  a.in === b.in &&
  a.out === b.out &&
  a.physin === b.physin &&
  a.physout === b.physout &&
  a.macLinkType === b.macLinkType &&
  a.macAt === b.macAt;

/** ip_handle_martian_source() dumps the link header behind its line, where there is one; a destination's line has none. */
function martianHeader(p: Pick<PacketRun, 'events'>, e: EventOf<'klog'>): string[] {
  if (!e.text.startsWith('IPv4: martian source')) return [];
  const tap = p.events.findLast((x): x is EventOf<'tap'> => x.t === 'tap' && x.skb === e.skb && x.dir === 'in' && x.node === e.node);
  if (!tap?.eth || (tap.linkType !== 'ether' && tap.linkType !== 'loopback')) return [];
  return [`ll header: 00000000: ${[...tap.frame.subarray(0, ETHERNET)].map((b) => b.toString(16).padStart(2, '0')).join(' ')}`];
}

type Logged = Pick<EventOf<'trace'>, 'in' | 'out' | 'physin' | 'physout' | 'view' | 'macAt'>;

const skbDev = (e: Logged, hook: EventOf<'hook'> | undefined): string => (hook?.hook === 'POSTROUTING' && e.out !== '' ? e.out : e.in);
const linkTypeOf = (n: NodeState | undefined, dev: string): string => byName(n?.links ?? [], dev)?.linkType ?? '';

/** `IN=… OUT=… MAC=… SRC=…`; `linkType` is that of skb->dev. */
function inet(e: Logged, flags: number, linkType: string): string {
  const physin = e.physin !== '' && e.physin !== e.in ? `PHYSIN=${e.physin} ` : '';
  const physout = e.physout !== '' && e.physout !== e.out ? `PHYSOUT=${e.physout} ` : '';
  const mac = e.in === '' ? '' : macHeader(e.view, flags, linkType, e.macAt);
  const head = `IN=${e.in} OUT=${e.out} ${physin}${physout}`;
  if (e.view.protocol === ETH_P_ARP) return `${head}${flags & LOGFLAG.MACDECODE ? mac : ''}${arpPacket(e.view.data)}`;
  const isIp = e.view.protocol === ETH_P_IP || e.view.protocol === ETH_P_IPV6;
  return `${head}${mac}${isIp ? logPacket(e.view, flags) : ''}`;
}

/** dump_arp_packet() */
function arpPacket(b: Uint8Array): string {
  if (b.length < 8) return 'TRUNCATED';
  const u16 = (at: number): number => (b[at] << 8) | b[at + 1];
  const head = `ARP HTYPE=${u16(0)} PTYPE=0x${hex4(u16(2))} OPCODE=${u16(6)}`;
  if (u16(0) !== 1 || b[4] !== 6 || b[5] !== 4) return head;
  if (b.length < 28) return `${head} INCOMPLETE [${b.length - 8} bytes]`;
  const mac = (at: number): string => [...b.subarray(at, at + 6)].map((x) => x.toString(16).padStart(2, '0')).join(':');
  const ip = (at: number): string => b.subarray(at, at + 4).join('.');
  return `${head} MACSRC=${mac(8)} IPSRC=${ip(14)} MACDST=${mac(18)} IPDST=${ip(24)}`;
}

const hex4 = (n: number): string => n.toString(16).padStart(4, '0');

/** Link types whose devices have a hard_header_len of 14. */
const hasHeader = (linkType: string): boolean => linkType === 'ether' || linkType === 'loopback';
const ETHERNET = 14;

/** The header that the packet came with, printed as long as the header of the device it is on now. */
function macHeader(v: PacketView, flags: number, linkType: string, macAt: number | null): string {
  const { eth } = v;
  if (macAt !== null && hasHeader(linkType))
    return `MAC=${[...v.data.subarray(macAt, macAt + ETHERNET)].map((b) => b.toString(16).padStart(2, '0')).join(':')} `;
  if (flags & LOGFLAG.MACDECODE && linkType === 'ether') {
    return eth === null ? '' : `MACSRC=${formatMac(eth.src)} MACDST=${formatMac(eth.dst)} MACPROTO=${hex4(v.protocol)} `;
  }
  if (eth === null || !hasHeader(linkType)) return 'MAC= ';
  const type = hex4(v.protocol);
  return `MAC=${formatMac(eth.dst)}:${formatMac(eth.src)}:${type.slice(0, 2)}:${type.slice(2)} `;
}

function bridgeLine(e: EventOf<'log'>): string {
  const { eth } = e.view;
  const macs = eth === null ? '' : ` MAC source = ${formatMac(eth.src)} MAC dest = ${formatMac(eth.dst)} proto = 0x${hex4(e.view.protocol)}`;
  return `${e.prefix} IN=${e.in} OUT=${e.out}${macs}${logBridged(e.view, e.options)}`;
}
