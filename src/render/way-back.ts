/** Where an answer leaves the way that its request came: another device, another neighbour, or past connection tracking. */
import { type Addr, formatAddr } from '../base/addr.js';
import { endsOf } from '../stack/outcome.js';
import type { PacketRun } from '../stack/run-scenario.js';
import type { EventOf } from '../trace/event.js';
import { nfCall } from './because.js';
import { type Hop, hopsOf } from './lineage.js';

/** `bridged`: the same devices, but the answer was not routed there and iptables did not see it. */
export type PartingKind = 'device' | 'neighbour' | 'bridged';

export interface Parting {
  readonly kind: PartingKind;
  readonly node: string;
  /** A clause that begins with the node. */
  readonly text: string;
  readonly look: string;
  /** The request's way there, and the hop before it. */
  readonly there: Hop;
  readonly before: Hop | null;
  /** Source of the answer as it was routed there; null where no route was asked for. */
  readonly routedFrom: Addr | null;
}

/** `at`: an event of the answer, as late as can be. Null: it came back by the same devices, or there is no answer. */
export function partingOf(p: PacketRun, at: number): Parting | null {
  const request = hopsOf(p, at, 0);
  const reply = hopsOf(p, at, 1);
  for (let j = 0; j < reply.length; j++) {
    const there = request.at(-1 - j);
    const back = reply[j];
    if (there?.node !== back.node || there.in === null) return null;
    if (back.out === null) return null;
    if (back.out !== there.in) return deviceParting(p, there, back, request.at(-2 - j), reply[j + 1]);
    if (wasRouted(p, there) && !wasRouted(p, back)) return bridgedParting(p, there, back);
    const next = reply[j + 1];
    if (next && next.node !== request.at(-2 - j)?.node) return neighbourParting(p, there, back, request.at(-2 - j), next);
  }
  return null;
}

/** Did IP see it on that node? Where it was made it did. */
function wasRouted(p: PacketRun, h: Hop): boolean {
  if (h.in === null) return true;
  return p.events
    .slice(h.from, h.to + 1)
    .some((e) => e.t === 'hook' && e.node === h.node && e.hook === 'PREROUTING' && (e.family === 'ipv4' || e.family === 'ipv6'));
}

interface Routed {
  readonly via: string;
  readonly text: string;
  /** How the kernel was asked. */
  readonly get: string;
  readonly from: Addr;
}

/** The last route decision about the answer before it left. */
function routeOf(p: PacketRun, h: Hop): Routed | null {
  const seen = p.events.slice(h.from, h.to + 1).findLast((e) => 'view' in e && e.view && p.outcome.skbs.get(e.skb)?.answers === 1);
  const dst = seen && 'view' in seen ? endsOf(seen.view)?.dst : undefined;
  for (let i = h.to; i >= 0; i--) {
    const e = p.events[i];
    if (e.t !== 'route' || e.node !== h.node || e.dst !== dst || e.purpose === 'other' || e.purpose === 'reverse-path') continue;
    const best = e.tables.findLast((t) => t.route !== null);
    const mark = e.mark ? ` mark 0x${e.mark.toString(16)}` : '';
    const from = e.iif === null ? '' : ` from ${formatAddr(e.src)} iif ${e.iif}`;
    return {
      via: e.gateway === null ? '' : ` via ${formatAddr(e.gateway)}`,
      text: best?.route ? ` (table ${best.table}: ${best.route.trim()})` : '',
      get: `${typeof e.dst === 'number' ? 'ip' : 'ip -6'} route get ${formatAddr(e.dst)}${from}${mark}`,
      from: e.src,
    };
  }
  return null;
}

const lookAtRoutes = (node: string, r: Routed | null): string => `on ${node} ${r ? `${r.get}; ` : ''}ip rule`;

function deviceParting(p: PacketRun, there: Hop, back: Hop, before: Hop | undefined, next: Hop | undefined): Parting {
  const r = routeOf(p, back);
  const from = before ? ` from ${before.node}` : '';
  const to = next ? ` to ${next.node}` : '';
  return {
    kind: 'device',
    node: back.node,
    text: `on ${back.node} the request came in on ${there.in}${from}, and the answer leaves by ${back.out}${r?.via ?? ''}${to}${r?.text ?? ''}`,
    look: lookAtRoutes(back.node, r),
    ...{ there, before: before ?? null, routedFrom: r?.from ?? null },
  };
}

function neighbourParting(p: PacketRun, there: Hop, back: Hop, before: Hop | undefined, next: Hop): Parting {
  const r = routeOf(p, back);
  const from = before ? `from ${before.node}, ` : '';
  return {
    kind: 'neighbour',
    node: back.node,
    text: `on ${back.node} the request came in on ${there.in} ${from}and the answer goes by ${back.out}${r?.via ?? ''} straight to ${next.node}${r?.text ?? ''}`,
    look: lookAtRoutes(back.node, r),
    ...{ there, before: before ?? null, routedFrom: r?.from ?? null },
  };
}

function bridgedParting(p: PacketRun, there: Hop, back: Hop): Parting {
  const e = p.events.slice(back.from, back.to + 1).find((x): x is EventOf<'bridge'> => x.t === 'bridge' && x.node === back.node);
  const sysctl = nfCall(typeof p.target.dst === 'string');
  return {
    kind: 'bridged',
    node: back.node,
    text: `on ${back.node} the request was routed, and the answer is only bridged (${e ? `${e.bridge}: ` : ''}${back.in} to ${back.out}): ${sysctl} is 0, so connection tracking never sees it`,
    look: `on ${back.node} sysctl ${sysctl} (1 shows bridged packets to ${sysctl.endsWith('6tables') ? 'ip6tables' : 'iptables'}; modprobe br_netfilter)`,
    ...{ there, before: null, routedFrom: null },
  };
}
