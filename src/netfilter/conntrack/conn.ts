/** Connections: struct nf_conn. A table of a million flows is a million of these, so that what most flows never have stands beside them. */
import type { Addr, Family } from '../../base/addr.js';
import { type CtInfo, ctIsReply, IPS, type NfConn, type Tuple } from '../../packet/types.js';
import type { RuleRef } from '../../trace/event.js';
import type { ScratchTuple } from './tuple.js';

export type Dir = 0 | 1;
export const ORIGINAL: Dir = 0;
export const REPLY: Dir = 1;
export const dirOf = (info: CtInfo): Dir => (ctIsReply(info) ? REPLY : ORIGINAL);

export type Zone = NfConn['zone'];
export const DEFAULT_ZONE: Zone = { id: 0, dir: 'both' };
/** nf_ct_zone_id(): a zone that does not cover a direction counts as 0 there. */
export const zoneId = (z: Zone, dir: Dir): number => (z.dir === 'both' || (z.dir === 'orig') === (dir === ORIGINAL) ? z.id : 0);

/** IPS_* bits beyond packet/types.ts that the kernel prints or acts upon. */
export const IPS_NAT_CLASH = 1 << 12;

/** The place of a connection that no table knows, and of a template (`-j CT`), which none ever does. */
export const NOWHERE = -1;
const TEMPLATE = -2;

/** What few flows have (nf_ct_ext). */
class Extension {
  secmark = 0;
  master: NfConn | null = null;
  helper: string | null = null;
  masqIndex = 0;
  labels = 0n;
}

/** IPv4 as int32, which V8 keeps in place; a uint32 would be an object of its own half of the time. */
const kept = (a: Addr): Addr => (typeof a === 'number' ? a | 0 : a);
const given = (a: Addr): Addr => (typeof a === 'number' ? a >>> 0 : a);
const portsOf = (t: Tuple): number => (t.sport << 16) | t.dport;

/** struct nf_conn. While unconfirmed, `expires` is a duration in ms; once in the table, an absolute virtual time. */
export class Conn implements NfConn {
  status = 0;
  mark = 0;
  expires = 0;
  proto: unknown = null;
  inTable = false;
  /** Where it stands in the table that knows it. */
  place: number;
  /** Rules that bound the flow, for telling. */
  dnatRule: RuleRef | null = null;
  snatRule: RuleRef | null = null;
  #packets = 0;
  #bytes = 0;
  /** Packets and bytes of the answers. */
  #answers: { packets: number; bytes: number } | null = null;
  #ext: Extension | null = null;
  // The two tuples: nothing but numbers, or strings for IPv6.
  readonly #family: Family;
  /** Protocol of either direction. */
  readonly l4proto: number;
  readonly #src: Addr;
  readonly #dst: Addr;
  readonly #ports: number;
  #replySrc: Addr;
  #replyDst: Addr;
  #replyPorts: number;

  /** Copies the tuples. */
  constructor(
    readonly id: number,
    orig: Tuple,
    reply: Tuple,
    readonly zone: Zone,
    template = false,
  ) {
    this.place = template ? TEMPLATE : NOWHERE;
    this.#family = orig.family;
    this.l4proto = orig.proto;
    this.#src = kept(orig.src);
    this.#dst = kept(orig.dst);
    this.#ports = portsOf(orig);
    this.#replySrc = kept(reply.src);
    this.#replyDst = kept(reply.dst);
    this.#replyPorts = portsOf(reply);
  }

  /** Made anew each time, as `reply` is: `into` is for those who ask often. */
  get orig(): Tuple {
    return this.tuple(ORIGINAL);
  }
  get reply(): Tuple {
    return this.tuple(REPLY);
  }
  set reply(t: Tuple) {
    this.#replySrc = kept(t.src);
    this.#replyDst = kept(t.dst);
    this.#replyPorts = portsOf(t);
  }
  tuple(dir: Dir): Tuple {
    return this.into(dir, { family: 'ipv4', src: 0, dst: 0, proto: 0, sport: 0, dport: 0 });
  }
  /** The tuple of a direction, in `out`. */
  into(dir: Dir, out: ScratchTuple): Tuple {
    const ports = dir === ORIGINAL ? this.#ports : this.#replyPorts;
    out.family = this.#family;
    out.src = given(dir === ORIGINAL ? this.#src : this.#replySrc);
    out.dst = given(dir === ORIGINAL ? this.#dst : this.#replyDst);
    out.proto = this.l4proto;
    out.sport = ports >>> 16;
    out.dport = ports & 0xffff;
    return out;
  }
  /** Is this the tuple of that direction? */
  is(dir: Dir, t: Tuple): boolean {
    if (portsOf(t) !== (dir === ORIGINAL ? this.#ports : this.#replyPorts) || t.proto !== this.l4proto || t.family !== this.#family) return false;
    if (kept(t.src) !== (dir === ORIGINAL ? this.#src : this.#replySrc)) return false;
    return kept(t.dst) === (dir === ORIGINAL ? this.#dst : this.#replyDst);
  }

  /** Has a packet of that direction another source or destination address where it leaves than where it comes from? ct->tuplehash[dir] against the other one. */
  translates(dir: Dir, side: 'src' | 'dst'): boolean {
    return (side === 'dst') === (dir === ORIGINAL) ? this.#dst !== this.#replySrc : this.#src !== this.#replyDst;
  }
  /** The same of ports. */
  translatesPort(dir: Dir, side: 'src' | 'dst'): boolean {
    if ((side === 'dst') === (dir === ORIGINAL)) return (this.#ports & 0xffff) !== this.#replyPorts >>> 16;
    return this.#ports >>> 16 !== (this.#replyPorts & 0xffff);
  }

  get acct(): { packets: [number, number]; bytes: [number, number] } {
    return { packets: [this.#packets, this.#answers?.packets ?? 0], bytes: [this.#bytes, this.#answers?.bytes ?? 0] };
  }
  /** nf_ct_acct_add() */
  count(dir: Dir, packets: number, bytes: number): void {
    if (dir === ORIGINAL) {
      this.#packets += packets;
      this.#bytes += bytes;
    } else {
      this.#answers ??= { packets: 0, bytes: 0 };
      this.#answers.packets += packets;
      this.#answers.bytes += bytes;
    }
  }
  /** nf_ct_is_confirmed(): was put into the table, even if it has been taken out since. */
  get confirmed(): boolean {
    return (this.status & IPS.CONFIRMED) !== 0;
  }
  get template(): boolean {
    return this.place === TEMPLATE;
  }

  get secmark(): number {
    return this.#ext?.secmark ?? 0;
  }
  set secmark(v: number) {
    this.#extended.secmark = v;
  }
  get master(): NfConn | null {
    return this.#ext?.master ?? null;
  }
  set master(v: NfConn | null) {
    this.#extended.master = v;
  }
  get helper(): string | null {
    return this.#ext?.helper ?? null;
  }
  set helper(v: string | null) {
    this.#extended.helper = v;
  }
  get masqIndex(): number {
    return this.#ext?.masqIndex ?? 0;
  }
  set masqIndex(v: number) {
    this.#extended.masqIndex = v;
  }
  get labels(): bigint {
    return this.#ext?.labels ?? 0n;
  }
  set labels(v: bigint) {
    this.#extended.labels = v;
  }
  get #extended(): Extension {
    this.#ext ??= new Extension();
    return this.#ext;
  }
}
