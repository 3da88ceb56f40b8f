/**
 * `--format kernel`: what the nodes' kernel logs would hold, in order: TRACE lines of the legacy backend, LOG targets, the bridge's log watcher, martians.
 * nf_log_ip_packet(), nf_log_ip6_packet(), dump_mac_header() (net/netfilter/nf_log_syslog.c), ebt_log_packet() (net/bridge/netfilter/ebt_log.c).
 * No time stamps: they are no part of the simulation. Blanks at the end of a line are left out, as they are by those who quote a log.
 */
import { formatMac } from '../base/addr.js';
import { byName } from '../base/memo.js';
import { ETH_P_IPV6 } from '../packet/skb.js';
import type { NodeState } from '../scenario/model.js';
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import type { Event, EventOf, PacketView } from '../trace/event.js';
import { shownEvents } from './narrow.js';
import { LOGFLAG, logBridged, logPacket, TRACE_LOGFLAGS } from './nf-log-packet.js';
import type { RenderOptions } from './renderer.js';
import { tracePoint } from './trace.js';

export function renderKernel(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  return run.packets
    .flatMap((p) => kernelLines(p, shownEvents(p, o.narrow)))
    .map((l) => `${l}\n`)
    .join('');
}

/** `shown`: the events to print, out of all of `p`. */
export function kernelLines(p: PacketRun, shown: readonly Event[]): string[] {
  const out: string[] = [];
  /** The device that skb->dev names: the hook's input device until POSTROUTING, then its output device. */
  const at = new Map<number, EventOf<'hook'>>();
  const headers = linkHeaders(p.events);
  for (const e of shown) {
    if (e.t === 'hook') at.set(e.skb, e);
    else if (e.t === 'klog') out.push(e.text, ...martianHeader(p, e));
    else if (e.t === 'trace') out.push(inetLine(`TRACE: ${tracePoint(e)} `, e, TRACE_LOGFLAGS, skbDev(e, at.get(e.skb)), p.nodes.get(e.node), headers.get(e)));
    else if (e.t === 'log' && e.level >= 0) {
      if (e.rule.backend === 'ebtables') out.push(bridgeLine(e));
      else out.push(inetLine(e.prefix, e, e.options, skbDev(e, at.get(e.skb)), p.nodes.get(e.node), headers.get(e)));
    }
  }
  return out.map((l) => l.trimEnd());
}

/** ip_handle_martian_source() dumps the link header behind its line, where there is one; a destination's line has none. */
function martianHeader(p: PacketRun, e: EventOf<'klog'>): string[] {
  if (!e.text.startsWith('IPv4: martian source')) return [];
  const tap = p.events.findLast((x): x is EventOf<'tap'> => x.t === 'tap' && x.skb === e.skb && x.dir === 'in' && x.node === e.node);
  if (!tap?.eth || (tap.linkType !== 'ether' && tap.linkType !== 'loopback')) return [];
  return [`ll header: 00000000: ${[...tap.frame.subarray(0, ETHERNET)].map((b) => b.toString(16).padStart(2, '0')).join(' ')}`];
}

type Logged = Pick<EventOf<'trace'>, 'in' | 'out' | 'physin' | 'physout' | 'view'>;

const skbDev = (e: Logged, hook: EventOf<'hook'> | undefined): string => (hook?.hook === 'POSTROUTING' && e.out !== '' ? e.out : e.in);

function inetLine(prefix: string, e: Logged, flags: number, dev: string, n: NodeState | undefined, header: number | undefined): string {
  const physin = e.physin !== '' && e.physin !== e.in ? `PHYSIN=${e.physin} ` : '';
  const physout = e.physout !== '' && e.physout !== e.out ? `PHYSOUT=${e.physout} ` : '';
  const mac = e.in === '' ? '' : macHeader(e.view, flags, n, dev, header);
  return `${prefix}IN=${e.in} OUT=${e.out} ${physin}${physout}${mac}${logPacket(e.view, flags)}`;
}

const hex4 = (n: number): string => n.toString(16).padStart(4, '0');

/** Link types whose devices have a hard_header_len of 14. */
const hasHeader = (n: NodeState | undefined, dev: string): boolean => {
  const type = byName(n?.links ?? [], dev)?.linkType;
  return type === 'ether' || type === 'loopback';
};

/**
 * Where skb->mac_header points for a packet that a tunnel wrapped on this node, in bytes from its network header: ipip and vxlan leave it at the packet inside (skb_reset_mac_header() of
 * __dev_queue_xmit()), IPsec at the protocol field of the header it wrote (xfrm4_tunnel_encap_add). The log prints those bytes as MAC=.
 */
function linkHeaders(events: readonly Event[]): ReadonlyMap<Event, number> {
  const of = new Map<number, number>();
  const out = new Map<Event, number>();
  for (const e of events) {
    if (e.t === 'skb' && e.origin.kind === 'encapsulated') of.set(e.skb, networkLength(e.view) + UDP_AND_VXLAN);
    else if (e.t === 'consume' && e.why === 'encapsulated') of.set(e.skb, INNER_OF_IPIP);
    else if (e.t === 'xfrm' && e.what === 'encode') of.set(e.skb, PROTOCOL_FIELD);
    else if (e.t === 'trace' || e.t === 'log') {
      const at = of.get(e.skb);
      if (at !== undefined) out.set(e, at);
    }
  }
  return out;
}
const UDP_AND_VXLAN = 16;
const INNER_OF_IPIP = 20;
const PROTOCOL_FIELD = 9;
const networkLength = (v: PacketView): number => (v.protocol === ETH_P_IPV6 ? 40 : (v.data[0] & 15) * 4);
const ETHERNET = 14;

/** The header that the packet came with, printed as long as the header of the device it is on now. */
function macHeader(v: PacketView, flags: number, n: NodeState | undefined, dev: string, header: number | undefined): string {
  const { eth } = v;
  if (header !== undefined && hasHeader(n, dev))
    return `MAC=${[...v.data.subarray(header, header + ETHERNET)].map((b) => b.toString(16).padStart(2, '0')).join(':')} `;
  if (flags & LOGFLAG.MACDECODE && byName(n?.links ?? [], dev)?.linkType === 'ether') {
    return eth === null ? '' : `MACSRC=${formatMac(eth.src)} MACDST=${formatMac(eth.dst)} MACPROTO=${hex4(v.protocol)} `;
  }
  if (eth === null || !hasHeader(n, dev)) return 'MAC= ';
  const type = hex4(v.protocol);
  return `MAC=${formatMac(eth.dst)}:${formatMac(eth.src)}:${type.slice(0, 2)}:${type.slice(2)} `;
}

function bridgeLine(e: EventOf<'log'>): string {
  const { eth } = e.view;
  const macs = eth === null ? '' : ` MAC source = ${formatMac(eth.src)} MAC dest = ${formatMac(eth.dst)} proto = 0x${hex4(e.view.protocol)}`;
  return `${e.prefix} IN=${e.in} OUT=${e.out}${macs}${logBridged(e.view, e.options)}`;
}
