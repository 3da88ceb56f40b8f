/** The nat step of a hook: nf_nat_inet_fn(), nf_nat_packet(), nf_nat_icmp_reply_translation() and its IPv6 sister. */
import { IPPROTO, type Skb } from '../../packet/skb.js';
import { CTINFO, IPS } from '../../packet/types.js';
import { checksumBad } from '../../packet/verify.js';
import type { Endpoints, HookPoint } from '../../trace/event.js';
import type { Manip } from '../env.js';
import type { PacketCtx } from '../pred.js';
import type { TargetVerdict } from '../xtables/extension.js';
import { type Conn, type Dir, dirOf, ORIGINAL, REPLY } from './conn.js';
import type { Verdict } from './core.js';
import type { ConntrackHost } from './host.js';
import { isBound, type Nat, natBit } from './nat.js';
import { manipPacket, refreshIcmpChecksum } from './nat-packet.js';
import type { Table } from './table.js';
import { invertInto, invertTuple, l4Of, scratchTuple } from './tuple.js';

/** What a step says of the packet: what its chains said where they did not accept it. */
export type NatVerdict = Exclude<TargetVerdict, 'CONTINUE'>;

/** HOOK2MANIP: destinations change on the way in, sources on the way out. */
const manipOf = (hook: HookPoint): Manip => (hook === 'INPUT' || hook === 'POSTROUTING' ? 'SNAT' : 'DNAT');

/** The status bit that asks for `manip` on a packet of this direction: answers undo the other one. */
function wantedBit(manip: Manip, dir: Dir): number {
  const bit = natBit(manip);
  return dir === REPLY ? bit ^ IPS.NAT_MASK : bit;
}

function endpoints(skb: Skb): Endpoints {
  return { src: skb.saddr, sport: skb.sport, dst: skb.daddr, dport: skb.dport };
}

export class NatHook {
  /** The flow's other direction, and what the packet at hand is to look like. */
  readonly #other = scratchTuple();
  readonly #target = scratchTuple();
  constructor(
    readonly host: ConntrackHost,
    readonly table: Table,
    readonly binder: Nat,
  ) {}

  /**
   * nf_nat_inet_fn() of the hook in `c`. Each of `walks` evaluates a nat chain of the hook; they are asked in order until one has bound the flow. A verdict of theirs
   * ends the step: a packet that goes to a queue, or bypasses it, leaves the flow unbound.
   */
  run(c: PacketCtx, walks: readonly ((c: PacketCtx) => TargetVerdict)[]): NatVerdict {
    const { skb } = c;
    const ct = skb.ct as Conn | null;
    if (!ct || ct.template) return 'ACCEPT';
    const manip = manipOf(c.hook);
    const info = skb.ctinfo;
    const related = info === CTINFO.RELATED || info === CTINFO.RELATED_REPLY;
    const l4 = related ? l4Of(skb.data, 0, skb.family) : null;
    if (l4 && l4.proto === (skb.family === 'ipv6' ? IPPROTO.ICMPV6 : IPPROTO.ICMP)) return this.#translateError(skb, ct, manip, l4.offset);

    if ((related || info === CTINFO.NEW) && !isBound(ct, manip)) {
      for (const walk of walks) {
        const verdict = walk(c);
        if (verdict !== 'ACCEPT' && verdict !== 'CONTINUE') return verdict;
        if (isBound(ct, manip)) break;
      }
      if (!isBound(ct, manip)) this.binder.bindNull(ct, manip);
    } else if (this.#deviceChanged(c, ct)) {
      this.table.remove(ct);
      return 'DROP';
    }
    return this.#rewrite(skb, ct, manip);
  }

  /** nf_nat_oif_changed(): a masqueraded flow that now leaves by another device is dead. */
  #deviceChanged(c: PacketCtx, ct: Conn): boolean {
    return c.hook === 'POSTROUTING' && ct.masqIndex !== 0 && c.out !== null && ct.masqIndex !== c.out.ifindex && dirOf(c.skb.ctinfo) === ORIGINAL;
  }

  /** nf_nat_packet(), nf_nat_manip_pkt(). */
  #rewrite(skb: Skb, ct: Conn, manip: Manip): Verdict {
    const dir = dirOf(skb.ctinfo);
    if (!(ct.status & wantedBit(manip, dir))) return 'ACCEPT';
    const target = invertInto(ct.into(dir === ORIGINAL ? REPLY : ORIGINAL, this.#other), this.#target);
    const before = this.host.rec.on ? endpoints(skb) : null;
    if (!target || !manipPacket(skb.data, 0, target, manip)) return 'DROP';
    if (before) this.#tell(skb, ct, manip, dir, before);
    return 'ACCEPT';
  }

  /** Redirects are only let through where nothing is translated; other errors get outer and quoted headers rewritten. */
  #translateError(skb: Skb, ct: Conn, manip: Manip, l4: number): Verdict {
    const v6 = skb.family === 'ipv6';
    if (skb.data.length < l4 + 8 + (v6 ? 40 : 20) || checksumBad(skb)) return 'DROP';
    if (skb.u8(l4) === (v6 ? 137 : 5)) {
      if ((ct.status & IPS.NAT_DONE_MASK) !== IPS.NAT_DONE_MASK || ct.status & IPS.NAT_MASK) return 'DROP';
    }
    const dir = dirOf(skb.ctinfo);
    if (!(ct.status & wantedBit(manip, dir))) return 'ACCEPT';
    const before = this.host.rec.on ? endpoints(skb) : null;
    const other = ct.tuple(dir === ORIGINAL ? REPLY : ORIGINAL);
    // The quoted packet goes the other way: its source is what the outer header's destination is, and the reverse.
    if (!manipPacket(skb.data, l4 + 8, other, manip === 'SNAT' ? 'DNAT' : 'SNAT')) return 'DROP';
    refreshIcmpChecksum(skb.data, skb.family, l4);
    const inverse = invertTuple(other);
    if (!inverse || !manipPacket(skb.data, 0, { ...inverse, proto: v6 ? IPPROTO.ICMPV6 : IPPROTO.ICMP }, manip)) return 'DROP';
    if (before) this.#tell(skb, ct, manip, dir, before);
    return 'ACCEPT';
  }

  #tell(skb: Skb, ct: Conn, manip: Manip, dir: Dir, before: Endpoints): void {
    // An answer undoes what the rule of the other manip did.
    const rule = (manip === 'SNAT') === (dir === ORIGINAL) ? ct.snatRule : ct.dnatRule;
    this.host.tell(skb, { t: 'nat', manip, undo: dir === REPLY, before, after: endpoints(skb), rule, ctId: ct.id });
  }
}
