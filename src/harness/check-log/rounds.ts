/**
 * The model's events put together as the log's lines are: per skb and round through the hooks, from PREROUTING or OUTPUT on. Chains of a bridge and of a device
 * make rounds of their own.
 */
import type { TraceLogKind } from '../../formats/trace-log-types.js';
import type { NftFamily } from '../../netfilter/nftables/model.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, Skb } from '../../packet/skb.js';
import { type Event, type EventOf, type HookPoint, isXtRule, type PacketView, type RuleRef } from '../../trace/event.js';
import type { Layer } from './places.js';

/** One trace point of the model. */
export interface ModelLine {
  readonly e: EventOf<'trace'> | EventOf<'nft-trace'>;
  /** As nft calls it, of iptables-nft's tables as well; null in the kernel log. */
  readonly nftFamily: NftFamily | null;
  readonly table: string;
  readonly chain: string;
  readonly kind: 'rule' | 'return' | 'policy';
  readonly num: number;
  readonly hook: HookPoint;
  readonly packet: ModelPacket;
}

/** What a trace line shows of a packet; ports and ICMP null where it has none. */
interface ModelPacket {
  readonly family: 'ipv4' | 'ipv6';
  readonly in: string;
  readonly out: string;
  readonly physin: string;
  readonly physout: string;
  readonly src: string | number;
  readonly dst: string | number;
  readonly len: number;
  readonly tos: number;
  readonly ttl: number;
  readonly id: number | null;
  readonly proto: number;
  readonly sport: number | null;
  readonly dport: number | null;
  readonly flags: number | null;
  readonly type: number | null;
  readonly code: number | null;
  readonly icmpId: number | null;
  readonly icmpSeq: number | null;
  readonly mark: number;
}

export interface Round {
  readonly skb: number;
  /** Of its first hook; null: it came to none. */
  hook: HookPoint | null;
  last: HookPoint | null;
  /** The hook of `last`, as the packet came to it. */
  lastHook: EventOf<'hook'> | null;
  readonly events: Event[];
  readonly lines: ModelLine[];
}

/** Takes events in order; `kind` says which of them are trace points. */
export class Rounds {
  readonly all: Round[] = [];
  readonly #current = new Map<number, Round>();
  /** By skb: the chains of a bridge or a device that it was in last; `on`: still is. br_netfilter asks IP's chains in between. */
  readonly #aside = new Map<number, { readonly layer: Layer; readonly round: Round; on: boolean }>();

  /** `whole`: all events are kept, else only those that say how a round ended. */
  constructor(
    readonly kind: TraceLogKind,
    readonly whole: boolean,
  ) {}

  add(e: Event): void {
    let r = this.#current.get(e.skb);
    if (!r || (e.t === 'hook' && isInet(e) && begins(e.hook, r))) {
      r = { skb: e.skb, hook: null, last: null, lastHook: null, events: [], lines: [] };
      this.#current.set(e.skb, r);
      this.all.push(r);
    }
    if (e.t === 'hook' && isInet(e)) {
      r.hook ??= e.hook;
      r.last = e.hook;
      r.lastHook = e;
    }
    const aside = this.#besides(e);
    for (const x of aside ? [r, aside] : [r]) if (this.whole || ENDS.has(e.t)) x.events.push(e);
    const l = this.#line(e, aside ?? r);
    if (l) (aside ?? r).lines.push(l);
  }

  /** The round of a bridge's or a device's chains that the event belongs to. */
  #besides(e: Event): Round | null {
    if (this.kind !== 'nft-monitor') return null;
    const now = this.#aside.get(e.skb);
    if (e.t !== 'hook') return now?.on ? now.round : null;
    const layer = layerOf(e);
    if (now) now.on = false;
    if (layer === 'ip') return null;
    if (now?.layer === layer && layer === 'bridge' && !begins(e.hook, now.round)) {
      now.on = true;
      now.round.last = e.hook;
      return now.round;
    }
    const round: Round = { skb: e.skb, hook: e.hook, last: e.hook, lastHook: null, events: [], lines: [] };
    this.#aside.set(e.skb, { layer, round, on: true });
    this.all.push(round);
    return round;
  }

  #line(e: Event, r: Round): ModelLine | null {
    if (this.kind === 'kernel' ? e.t !== 'trace' : e.t !== 'nft-trace') return null;
    const t = e as ModelLine['e'];
    // xtables-monitor shows the tables of iptables; what is no IP packet is in no log that is read.
    if (t.rule.backend === 'nftables' && (this.kind !== 'nft-monitor' || !isIp(t.view))) return null;
    const { table, chain, num } = t.rule;
    const phys = t.t === 'trace' ? { physin: t.physin === t.in ? '' : t.physin, physout: t.physout === t.out ? '' : t.physout } : { physin: '', physout: '' };
    const mark = t.t === 'trace' ? t.view.mark : t.mark;
    const packet = { ...packetOf(t.view), in: t.in, out: t.out, ...phys, mark };
    return {
      e: t,
      nftFamily: t.t === 'trace' ? null : nftFamilyOf(t.rule),
      table,
      chain,
      kind: t.kind === 'end' ? 'return' : t.kind,
      num,
      hook: r.last ?? 'PREROUTING',
      packet,
    };
  }
}

const ENDS: ReadonlySet<Event['t']> = new Set(['drop', 'inconclusive', 'deliver', 'consume', 'emit']);

const isInet = (e: EventOf<'hook'>): boolean => e.family === 'ipv4' || e.family === 'ipv6';

const layerOf = (e: EventOf<'hook'>): Layer => (e.hook === 'INGRESS' ? 'ingress' : e.hook === 'EGRESS' ? 'egress' : e.family === 'bridge' ? 'bridge' : 'ip');
const isIp = (v: PacketView): boolean => v.protocol === ETH_P_IP || v.protocol === ETH_P_IPV6;
export const nftFamilyOf = (r: RuleRef): NftFamily => (isXtRule(r) ? (r.family === 'ipv6' ? 'ip6' : 'ip') : (r.family as NftFamily));

/** br_netfilter runs PREROUTING, and IP meets it once more in vain. */
const begins = (hook: HookPoint, r: Round): boolean => (hook === 'PREROUTING' || hook === 'OUTPUT') && r.last !== null && r.last !== hook;

function packetOf(v: PacketView): Omit<ModelPacket, 'in' | 'out' | 'physin' | 'physout' | 'mark'> {
  const s = new Skb(0, { kind: 'clone', of: null }, v.data, v.protocol);
  const v6 = v.protocol === ETH_P_IPV6;
  const proto = s.l4proto;
  const th = s.fragOffset === 0 ? s.thoff : -1;
  const has = (n: number): boolean => th >= 0 && s.data.length >= th + n;
  const ports = has(4) && WITH_PORTS.has(proto);
  const icmp = has(8) && proto === (v6 ? IPPROTO.ICMPV6 : IPPROTO.ICMP);
  const type = icmp ? s.u8(th) : null;
  const echo = type !== null && (v6 ? type === 128 || type === 129 : type === 0 || type === 8);
  return {
    family: v6 ? 'ipv6' : 'ipv4',
    src: s.saddr,
    dst: s.daddr,
    len: s.totLen,
    tos: s.tos,
    ttl: s.ttl,
    id: v6 ? null : s.ipId,
    proto,
    sport: ports ? s.u16(th) : null,
    dport: ports ? s.u16(th + 2) : null,
    flags: proto === IPPROTO.TCP && has(14) ? s.u8(th + 13) : null,
    type,
    code: icmp ? s.u8(th + 1) : null,
    icmpId: echo ? s.u16(th + 4) : null,
    icmpSeq: echo ? s.u16(th + 6) : null,
  };
}
const WITH_PORTS: ReadonlySet<number> = new Set([IPPROTO.TCP, IPPROTO.UDP, IPPROTO.UDPLITE, IPPROTO.SCTP, IPPROTO.DCCP]);
