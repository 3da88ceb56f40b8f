/**
 * Connection tracking, NAT and reassembly of one network namespace, as the node's hook steps call them:
 *
 *   defrag (-400)   conntrackIn (-200)   nat DST (-100) | nat SRC (100)   confirm (INT_MAX)
 */
import type { Addr } from '../../base/addr.js';
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { CTINFO, IPS, type NfConn, type Tuple } from '../../packet/types.js';
import type { CtTemplate, Manip, NatRange } from '../env.js';
import type { PacketCtx } from '../pred.js';
import type { TargetVerdict } from '../xtables/extension.js';
import { Conn, DEFAULT_ZONE, dirOf, ORIGINAL, type Zone } from './conn.js';
import { ConnCount } from './conncount.js';
import { Core, type InHook, type Verdict } from './core.js';
import { Defrag, type DefragResult, type DefragUser } from './defrag.js';
import type { ConntrackHost } from './host.js';
import { Nat } from './nat.js';
import { NatHook, type NatVerdict } from './nat-hook.js';
import { Table } from './table.js';
import { closeTcp } from './tcp.js';

export { Conn, DEFAULT_ZONE, dirOf, type Zone } from './conn.js';
export { ctState, type InHook, type Verdict } from './core.js';
export type { DefragResult, DefragUser } from './defrag.js';
export { type ConntrackHost, type CtSettings, ctSettings } from './host.js';

/** Evaluates a nat chain of the hook in its argument. */
export type NatWalk = (c: PacketCtx) => TargetVerdict;

export class Conntrack {
  readonly #table: Table;
  readonly #core: Core;
  readonly #nat: Nat;
  readonly #hook: NatHook;
  readonly #defrag: Defrag;
  /** Some rule attached a helper in this run. */
  #helpers = false;
  readonly #counts: ConnCount;

  constructor(readonly host: ConntrackHost) {
    this.#table = new Table(() => host.now());
    this.#core = new Core(host, this.#table);
    this.#nat = new Nat(host, this.#table);
    this.#hook = new NatHook(host, this.#table, this.#nat);
    this.#defrag = new Defrag(host);
    this.#counts = new ConnCount(this.#table);
  }

  /** nf_conntrack_in(). An INVALID packet leaves with `ct` null. */
  conntrackIn(skb: Skb, hook: InHook): Verdict {
    return this.#core.conntrackIn(skb, hook);
  }
  /** nf_confirm() at INPUT and POSTROUTING. */
  confirm(skb: Skb): Verdict {
    return this.#core.confirm(skb);
  }
  /** nf_nat_inet_fn(): `walks` evaluate the nat chains of the hook in `c`, several where two backends have one; called only while the flow is unbound for the hook's manip. */
  nat(c: PacketCtx, walks: readonly NatWalk[]): NatVerdict {
    return this.#hook.run(c, walks);
  }
  /** nf_nat_setup_info(), for NAT targets inside nat(). */
  natSetup(c: PacketCtx, range: NatRange, manip: Manip): boolean {
    const ct = c.skb.ct;
    return ct instanceof Conn && !ct.template && this.#nat.setup(ct, range, manip, c.rule);
  }
  /** ipv4_conntrack_defrag(), ipv6_defrag(). Any packet may be given; one that is no fragment comes back as it is. */
  defrag(skb: Skb, hook: InHook): DefragResult {
    return this.#defrag.atHook(skb, hook);
  }
  /** ip_defrag() for another user, such as ip_local_deliver(). */
  gather(skb: Skb, user: DefragUser): DefragResult {
    return skb.isFragment ? this.#defrag.gather(skb, user) : { skb };
  }

  /** `-j CT`: the template that conntrackIn() takes zone and helper from. */
  attachTemplate(skb: Skb, t: CtTemplate): void {
    if (skb.ct && !skb.ct.template) return;
    const none: Tuple = { family: skb.family, src: 0, dst: 0, proto: 0, sport: 0, dport: 0 };
    const ct = new Conn(0, none, none, { id: t.zone, dir: t.zoneDir }, true);
    // xt_ct_tg_check(): what a template answers to --ctstatus.
    ct.status = IPS.CONFIRMED;
    if (t.helper !== null) {
      ct.helper = t.helper;
      this.#helpers = true;
    }
    ct.proto = t;
    skb.ct = ct;
    skb.ctinfo = CTINFO.NEW;
  }
  /** nf_ct_helper_ext_add(): a helper for a flow that is not in the table yet. */
  attachHelper(ct: NfConn, helper: string): void {
    ct.helper = helper;
    ct.status |= IPS.HELPER;
    this.#helpers = true;
  }
  /**
   * Name of the helper of a flow between the hosts of this one, null without one. A helper may expect further connections (FTP data, SIP media); expectations are
   * not modelled, so nobody can say whether a new flow between those hosts is RELATED.
   */
  helperBetween(flow: NfConn): string | null {
    if (!this.#helpers) return null;
    const t = flow.orig;
    for (const ct of this.#table.entries()) {
      const { src, dst } = ct.orig;
      const same = (src === t.src && dst === t.dst) || (src === t.dst && dst === t.src) || (ct.reply.src === t.src && ct.reply.dst === t.dst);
      if (ct.helper !== null && same) return ct.helper;
    }
    return null;
  }

  /** `-j NOTRACK`, `-j CT --notrack`. */
  untrack(skb: Skb): void {
    if (skb.ct && !skb.ct.template) return;
    skb.ct = null;
    skb.ctinfo = CTINFO.UNTRACKED;
  }
  /** nf_conntrack_attach(): a packet made here in answer to `cause` belongs to its flow, in the other direction. */
  attach(skb: Skb, cause: Skb): void {
    skb.ct = cause.ct;
    skb.ctinfo = 0;
    // Nothing to attach. An untracked cause does not make its answer untracked, but seen: INVALID, and `-j CT` leaves it alone.
    if (!cause.ct && cause.ctinfo === 0) return;
    const original = cause.ctinfo === CTINFO.NEW || cause.ctinfo === CTINFO.ESTABLISHED || cause.ctinfo === CTINFO.RELATED;
    skb.ctinfo = original ? CTINFO.RELATED_REPLY : CTINFO.RELATED;
  }
  /** nf_ct_set_closing(): REJECT answered this packet with a reset, so its TCP flow (once confirmed) is closed. */
  setClosing(skb: Skb): void {
    const ct = skb.ct;
    if (ct instanceof Conn && ct.confirmed && ct.l4proto === IPPROTO.TCP) closeTcp(this.host, ct);
  }
  /** The packet is gone: an entry that was never confirmed dies with it (nf_conntrack_destroy). */
  release(skb: Skb): void {
    const ct = skb.ct;
    // An answer made for a first packet (REJECT) carries its entry, too, and does not own it.
    if (!(ct instanceof Conn) || ct.template || ct.confirmed || dirOf(skb.ctinfo) !== ORIGINAL) return;
    this.#table.forgetSource(ct);
    this.#core.tell(skb, 'died');
  }

  /** Confirmed entries, oldest first; expired ones are gone. */
  entries(): Iterable<Conn> {
    return this.#table.entries();
  }
  get size(): number {
    return this.#table.size;
  }
  /** The entry one of whose directions is this tuple. */
  find(t: Tuple, zone: Zone = DEFAULT_ZONE): Conn | null {
    return this.#table.find(t, zone)?.ct ?? null;
  }
  /** `conntrack -D`: removes an entry; false when it is gone already. */
  delete(ct: NfConn): boolean {
    return ct instanceof Conn && this.#table.remove(ct);
  }
  /** `conntrack -F`. */
  flush(): void {
    this.#table.clear();
  }
  /** Preloading and `conntrack -I`: puts an entry in; null when one of its tuples is taken. `fill` sets status, protocol state and time-out (`expires` in ms from now). */
  insert(orig: Tuple, reply: Tuple, zone: Zone, fill: (ct: Conn) => void): Conn | null {
    if (this.#table.find(orig, zone) || this.#table.find(reply, zone)) return null;
    const ct = this.#core.newConn(orig, reply, zone);
    fill(ct);
    ct.expires += this.host.now();
    if (ct.status & IPS.SRC_NAT_DONE) this.#table.addSource(ct);
    this.#table.insert(ct);
    return ct;
  }
  /** nf_nat_masquerade: flows masqueraded to a device (or an address of it) die when it goes down (or the address is deleted). */
  masqueradeGone(ifindex: number, addr: Addr | null): number {
    let n = 0;
    for (const ct of this.#table.entries()) {
      if (ct.masqIndex === ifindex && (addr === null || ct.reply.dst === addr) && this.#table.remove(ct)) n++;
    }
    return n;
  }
  /** nf_conncount_count() for connlimit: live connections that the rule in `c` has seen under `key`, this packet's included. */
  countConnections(c: PacketCtx, key: Addr): number {
    return this.#counts.count(c, key);
  }
  /** nf_conncount_add_skb() for `ct count` of nftables: the same on a list of its own; null: the packet has no tuple. */
  countOn(c: PacketCtx, list: object): number | null {
    return this.#counts.countOn(c, list);
  }
}
