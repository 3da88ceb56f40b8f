/** nf_conntrack_in() and nf_confirm(): finding, starting and confirming entries. nf_conntrack_core.c, and the ICMP error parts of nf_conntrack_proto_icmp{,v6}.c. */
import { type Addr, inPrefix, parseIp6 } from '../../base/addr.js';
import { invariant } from '../../base/assert.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { CTINFO, type CtInfo, IPS, type NfConn } from '../../packet/types.js';
import { checksumBad } from '../../packet/verify.js';
import type { EventBody } from '../../trace/event.js';
import type { CtTemplate } from '../env.js';
import { Conn, DEFAULT_ZONE, dirOf, IPS_NAT_CLASH, ORIGINAL, REPLY, type Zone, zoneId } from './conn.js';
import type { ConntrackHost } from './host.js';
import { allowsClash, type TrackArgs, type TrackVerdict, trackGeneric, trackGre, trackIcmp, trackIcmpv6, trackUdp, trackUdpLite } from './proto.js';
import { trackSctp } from './sctp.js';
import type { Table } from './table.js';
import { trackTcp } from './tcp.js';
import { formatTuple, invertInto, invertTuple, type L4, l4Of, packetTuple, scratchTuple, tupleAt, tupleEqual } from './tuple.js';

export type InHook = 'PREROUTING' | 'OUTPUT';
export type Verdict = 'ACCEPT' | 'DROP';

const TRACKERS = new Map<number, (a: TrackArgs, info: CtInfo) => TrackVerdict>([
  [IPPROTO.TCP, trackTcp],
  [IPPROTO.UDP, trackUdp],
  [IPPROTO.UDPLITE, trackUdpLite],
  [IPPROTO.ICMP, trackIcmp],
  [IPPROTO.ICMPV6, trackIcmpv6],
  [IPPROTO.SCTP, trackSctp],
  [IPPROTO.GRE, trackGre],
]);

/** ICMP messages that quote a packet: unreachable, source quench, time exceeded, parameter problem, redirect (icmp_is_err). */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const NR_ICMP_TYPES = 18;
/** Multicast listener and neighbour discovery messages, which are never tracked. */
const ICMPV6_UNTRACKED: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143]);
const NDISC_REDIRECT = 137;
const LINK_LOCAL = parseIp6('fe80::') as Addr;

type ErrorVerdict = 'not-an-error' | 'done';

export class Core {
  #nextId = 1;
  /** The tuples of the packet at hand. */
  readonly #tuple = scratchTuple();
  readonly #inverse = scratchTuple();
  readonly #kill = (ct: Conn): boolean => this.table.remove(ct);
  constructor(
    readonly host: ConntrackHost,
    readonly table: Table,
  ) {}

  newConn(orig: Conn['orig'], reply: Conn['reply'], zone: Zone): Conn {
    return new Conn(this.#nextId++, orig, reply, zone);
  }

  tell(skb: Skb, what: Extract<EventBody, { t: 'conntrack' }>['what']): void {
    if (!this.host.rec.on) return;
    const ct = skb.ct;
    this.host.tell(skb, {
      t: 'conntrack',
      what,
      ctId: ct?.id ?? 0,
      state: ctState(skb),
      orig: ct ? formatTuple(ct.orig) : '',
      reply: ct ? formatTuple(ct.reply) : '',
    });
  }

  /** nf_conntrack_in(). An INVALID packet leaves with `ct` null. */
  conntrackIn(skb: Skb, hook: InHook): Verdict {
    const template = skb.ct;
    if (skb.ctinfo === CTINFO.UNTRACKED && !template) return 'ACCEPT';
    if (template) {
      if (!template.template) return 'ACCEPT';
      skb.ct = null;
      skb.ctinfo = 0;
    }
    const l4 = l4Of(skb.data, 0, skb.family);
    if (!l4) {
      this.tell(skb, 'invalid');
      return 'ACCEPT';
    }
    const checkSum = hook === 'PREROUTING' && this.host.settings.nf_conntrack_checksum !== 0;
    const zone = zoneOf(template, skb);
    if (this.#icmpError(skb, l4, zone, checkSum) === 'done') return 'ACCEPT';
    // A second round only happens when a closed connection is opened again (NF_REPEAT).
    for (let round = 0; round < 2; round++) {
      const v = this.#track(skb, l4, zone, template, checkSum);
      if (v.kind === 'repeat') continue;
      if (v.kind !== 'accept') this.tell(skb, 'invalid');
      return v.kind === 'drop' ? 'DROP' : 'ACCEPT';
    }
    invariant(false, 'conntrack lookup repeated twice');
  }

  #track(skb: Skb, l4: L4, zone: Zone, template: NfConn | null, checkSum: boolean): TrackVerdict {
    const fresh = this.#resolve(skb, l4, zone, template);
    if (fresh === 'full') return { kind: 'drop' };
    if (fresh === null) return { kind: 'invalid' };
    const ct = skb.ct as Conn;
    const info = skb.ctinfo;
    const tracker = TRACKERS.get(l4.proto) ?? trackGeneric;
    const v = tracker({ host: this.host, ct, skb, offset: l4.offset, checkSum, kill: this.#kill }, info);
    if (v.kind !== 'accept') {
      skb.ct = null;
      skb.ctinfo = 0;
      return v;
    }
    this.tell(skb, fresh ? 'new' : 'found');
    if (info === CTINFO.ESTABLISHED_REPLY) ct.status |= IPS.SEEN_REPLY;
    return v;
  }

  /** resolve_normal_ct(): sets skb.ct and ctinfo; true = a new entry, null = cannot be tracked, 'full' = no room for one. */
  #resolve(skb: Skb, l4: L4, zone: Zone, template: NfConn | null): boolean | null | 'full' {
    const tuple = tupleAt(skb.data, 0, l4, skb.family, this.#tuple);
    if (!tuple) return null;
    const hit = this.table.find(tuple, zone);
    if (!hit) {
      const reply = invertInto(tuple, this.#inverse);
      if (!reply) return null;
      const max = this.host.settings.nf_conntrack_max;
      if (max !== 0 && this.table.size >= max) {
        if (this.host.rec.on) this.host.tell(skb, { t: 'klog', text: 'nf_conntrack: nf_conntrack: table full, dropping packet' });
        return 'full';
      }
      const ct = this.newConn(tuple, reply, zone);
      const t = template?.proto as CtTemplate | null | undefined;
      if (t?.helper) {
        ct.helper = t.helper;
        ct.status |= IPS.HELPER;
      }
      skb.ct = ct;
      skb.ctinfo = CTINFO.NEW;
      return true;
    }
    skb.ct = hit.ct;
    if (hit.dir === REPLY) skb.ctinfo = CTINFO.ESTABLISHED_REPLY;
    else if (hit.ct.status & IPS.SEEN_REPLY) skb.ctinfo = CTINFO.ESTABLISHED;
    else skb.ctinfo = hit.ct.status & IPS.EXPECTED ? CTINFO.RELATED : CTINFO.NEW;
    return false;
  }

  /** nf_conntrack_handle_icmp(): 'done' when the message was judged here (RELATED, INVALID or untracked). */
  #icmpError(skb: Skb, l4: L4, zone: Zone, checkSum: boolean): ErrorVerdict {
    const v6 = skb.family === 'ipv6';
    if (l4.proto !== (v6 ? IPPROTO.ICMPV6 : IPPROTO.ICMP)) return 'not-an-error';
    if (skb.data.length < l4.offset + 8 || (checkSum && checksumBad(skb))) return this.#judged(skb, 'invalid');
    const type = skb.u8(l4.offset);
    let inner = l4.offset + 8;
    if (v6) {
      if (ICMPV6_UNTRACKED.has(type)) {
        skb.ct = null;
        skb.ctinfo = CTINFO.UNTRACKED;
        return this.#judged(skb, 'untracked');
      }
      if (type === NDISC_REDIRECT) {
        const at = redirectedPacket(skb, l4.offset);
        if (at === null) return this.#judged(skb, 'invalid');
        if (at === 0) return 'not-an-error';
        inner = at;
      } else if (type >= 128) return 'not-an-error';
    } else {
      if (type > NR_ICMP_TYPES) return this.#judged(skb, 'invalid');
      if (!ICMP_ERRORS.has(type)) return 'not-an-error';
    }
    return this.#judged(skb, this.#relate(skb, inner, zone) ? 'related' : 'invalid');
  }
  #judged(skb: Skb, what: 'related' | 'invalid' | 'untracked'): ErrorVerdict {
    this.tell(skb, what);
    return 'done';
  }

  /** nf_conntrack_inet_error(): the flow that a quoted packet belongs to. */
  #relate(skb: Skb, inner: number, zone: Zone): boolean {
    const quoted = packetTuple(skb.data, inner, skb.family);
    const wanted = quoted && invertTuple(quoted);
    if (!wanted) return false;
    const hit = this.table.find(wanted, zone);
    // The error must go to the end that sent the quoted packet.
    if (!hit || hit.ct.tuple(hit.dir).dst !== skb.daddr) return false;
    skb.ct = hit.ct;
    skb.ctinfo = hit.dir === REPLY ? CTINFO.RELATED_REPLY : CTINFO.RELATED;
    return true;
  }

  /** nf_confirm(), nf_conntrack_confirm(): puts the entry of a first packet into the table. */
  confirm(skb: Skb): Verdict {
    const ct = skb.ct as Conn | null;
    if (!ct || ct.template || ct.confirmed) return 'ACCEPT';
    if (dirOf(skb.ctinfo) !== ORIGINAL) return 'ACCEPT';
    if (ct.status & IPS.DYING) return 'DROP';
    const clash = this.table.findIn(ct.into(ORIGINAL, this.#tuple), ct.zone, ORIGINAL) ?? this.table.findIn(ct.into(REPLY, this.#inverse), ct.zone, REPLY);
    if (clash) return this.#resolveClash(skb, ct, clash.ct);
    ct.expires += this.host.now();
    this.table.insert(ct);
    this.tell(skb, 'confirmed');
    return 'ACCEPT';
  }

  /** nf_ct_resolve_clash(): share the entry that was faster, hide ours behind it, or give up. */
  #resolveClash(skb: Skb, mine: Conn, winner: Conn): Verdict {
    this.tell(skb, 'clash');
    if (!allowsClash(mine.l4proto)) return 'DROP';
    if (this.#share(skb, mine, winner)) return 'ACCEPT';
    const onReply = this.table.findIn(mine.reply, mine.zone, REPLY);
    if (onReply) return this.#share(skb, mine, onReply.ct) ? 'ACCEPT' : 'DROP';
    mine.expires = this.host.now() + 1000;
    mine.status |= IPS.FIXED_TIMEOUT | IPS_NAT_CLASH;
    this.table.insert(mine, true);
    return 'ACCEPT';
  }

  /** __nf_ct_resolve_clash(): the same flow both ways, or the mirror image of it. */
  #share(skb: Skb, mine: Conn, winner: Conn): boolean {
    const sameZone = zoneId(mine.zone, ORIGINAL) === zoneId(winner.zone, ORIGINAL) && zoneId(mine.zone, REPLY) === zoneId(winner.zone, REPLY);
    const same = tupleEqual(mine.orig, winner.orig) && tupleEqual(mine.reply, winner.reply) && sameZone;
    const mirror = tupleEqual(mine.orig, winner.reply) && tupleEqual(mine.reply, winner.orig) && sameZone;
    if (!same && !mirror && winner.status & IPS.NAT_DONE_MASK) return false;
    skb.ct = winner;
    if (mirror) {
      skb.ctinfo = CTINFO.ESTABLISHED_REPLY;
      winner.status |= IPS.SEEN_REPLY;
    }
    this.table.forgetSource(mine);
    return true;
  }
}

/** nf_ct_zone_tmpl(): the zone a template asks for; `CT --zone mark` takes it from the packet. */
function zoneOf(template: NfConn | null, skb: Skb): Zone {
  if (!template) return DEFAULT_ZONE;
  const t = template.proto as CtTemplate | null;
  return t?.zoneMark ? { id: skb.mark & 0xffff, dir: template.zone.dir } : template.zone;
}

/** nf_conntrack_icmpv6_redirect(): where the redirected packet is quoted; 0 = nothing to relate, null = invalid. */
function redirectedPacket(skb: Skb, at: number): number | null {
  if (skb.data.length < at + 40) return null;
  if (skb.u8(at + 1) !== 0) return 0;
  if (skb.ttl !== 255 || !inPrefix(skb.saddr, LINK_LOCAL, 10)) return null;
  if (skb.data.length < at + 42 || skb.u8(at + 41) === 0) return null;
  return skb.u8(at + 40) === 4 ? at + 48 : 0;
}

/** What `-m conntrack --ctstate` calls the packet's state. */
export function ctState(skb: Skb): 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED' {
  if (!skb.ct) return skb.ctinfo === CTINFO.UNTRACKED ? 'UNTRACKED' : 'INVALID';
  switch (skb.ctinfo) {
    case CTINFO.NEW:
      return 'NEW';
    case CTINFO.RELATED:
    case CTINFO.RELATED_REPLY:
      return 'RELATED';
    default:
      return 'ESTABLISHED';
  }
}
