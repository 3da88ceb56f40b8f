/** Binding flows to addresses and ports: nf_nat_core.c of 6.18. */
import { type Addr, addToAddr, andAddr, notAddr, orAddr } from '../../base/addr.js';
import { invariant } from '../../base/assert.js';
import { IPPROTO } from '../../packet/skb.js';
import { IPS, type Tuple } from '../../packet/types.js';
import type { RuleRef } from '../../trace/event.js';
import { type Manip, NAT_NOTHING, NAT_RANGE, type NatRange } from '../env.js';
import { type Conn, REPLY } from './conn.js';
import type { ConntrackHost } from './host.js';
import type { Table } from './table.js';
import { tcpState, tcpTrack } from './tcp.js';
import { TCP } from './tcp-states.js';
import { hasPorts, invertInto, scratchTuple, tupleEqual } from './tuple.js';

/** How many ports are tried from one starting point before a new one is drawn, and below how many the search gives up. */
const MAX_ATTEMPTS = 128;
const MIN_ATTEMPTS = 16;
/** In the last tries a TCP flow in TIME_WAIT or later may be evicted (nf_nat_used_tuple_harder). */
const HARDER_THRESHOLD = 32;

const RANDOM = NAT_RANGE.RANDOM | NAT_RANGE.RANDOM_FULLY;

const doneBit = (manip: Manip): number => (manip === 'SNAT' ? IPS.SRC_NAT_DONE : IPS.DST_NAT_DONE);
export const natBit = (manip: Manip): number => (manip === 'SNAT' ? IPS.SRC_NAT : IPS.DST_NAT);
/** nf_nat_initialized() */
export const isBound = (ct: Conn, manip: Manip): boolean => (ct.status & doneBit(manip)) !== 0;

function inverse(t: Tuple, into = scratchTuple()): Tuple {
  const r = invertInto(t, into);
  invariant(r, 'a tracked tuple has no inverse');
  return r;
}

/** `t` with other ends. */
const tuple = (t: Tuple, src: Addr, dst: Addr, sport: number, dport: number): Tuple => ({ family: t.family, src, dst, proto: t.proto, sport, dport });

const inAddrRange = (a: Addr, r: NatRange): boolean => r.minAddr === null || r.maxAddr === null || (a >= r.minAddr && a <= r.maxAddr);

/** l4proto_in_range(): is the port (ICMP: id) that `manip` may change inside the range? */
function portInRange(t: Tuple, manip: Manip, r: NatRange): boolean {
  if (r.minPort === null || r.maxPort === null) return true;
  if (t.proto === IPPROTO.ICMP || t.proto === IPPROTO.ICMPV6) return t.sport >= r.minPort && t.sport <= r.maxPort;
  if (!hasPorts(t.proto) && t.proto !== IPPROTO.GRE) return true;
  const port = manip === 'SNAT' ? t.sport : t.dport;
  return port >= r.minPort && port <= r.maxPort;
}

/** The port half of a tuple that NAT may choose: where it stands and from which numbers. null = the protocol has none to choose. */
interface PortChoice {
  readonly field: 'sport' | 'dport';
  readonly min: number;
  readonly size: number;
}

function portChoice(t: Tuple, manip: Manip, r: NatRange, related: boolean): PortChoice | null {
  const given = r.minPort !== null && r.maxPort !== null;
  const min = given ? Math.min(r.minPort, r.maxPort) : 0;
  const size = given ? Math.abs(r.maxPort - r.minPort) + 1 : 0;
  if (t.proto === IPPROTO.ICMP || t.proto === IPPROTO.ICMPV6) return given ? { field: 'sport', min, size } : { field: 'sport', min: 0, size: 65536 };
  const field = manip === 'SNAT' ? 'sport' : 'dport';
  if (t.proto === IPPROTO.GRE && !related) return null;
  if (t.proto === IPPROTO.GRE) return given ? { field, min, size } : { field, min: 1, size: 65535 };
  if (!hasPorts(t.proto)) return null;
  if (given) return { field, min, size };
  // Without a range the destination port stays, and a source port stays in its class.
  if (manip === 'DNAT') return null;
  if (t.sport < 512) return { field, min: 1, size: 511 };
  if (t.sport < 1024) return { field, min: 600, size: 424 };
  return { field, min: 1024, size: 64512 };
}

/** xt_NETMAP: the network part of the range, the host part of the address. */
function netmapRange(r: NatRange, a: Addr): NatRange {
  if (!(r.flags & NAT_RANGE.NETMAP) || r.minAddr === null || r.maxAddr === null) return r;
  const host = typeof a === 'number' ? ((r.minAddr as number) ^ (r.maxAddr as number)) >>> 0 : xor6(r.minAddr as string, r.maxAddr as string);
  const mapped = orAddr(andAddr(a, host), andAddr(r.minAddr, notAddr(host)));
  return { ...r, minAddr: mapped, maxAddr: mapped };
}
const xor6 = (a: string, b: string): string => String.fromCharCode(...Array.from({ length: 8 }, (_, i) => a.charCodeAt(i) ^ b.charCodeAt(i)));

/** Size of an address range, at most 2^31 (more is never drawn from). */
function rangeSize(min: Addr, max: Addr): number {
  if (typeof min === 'number') return Math.min((max as number) - min + 1, 2 ** 31);
  let n = 0;
  for (let i = 0; i < 8; i++) n = n * 65536 + ((max as string).charCodeAt(i) - min.charCodeAt(i));
  return Math.min(n + 1, 2 ** 31);
}

export class Nat {
  /** The answers of the flow at hand, what it looks like to them, and what answers to the candidate at hand would look like. */
  readonly #reply = scratchTuple();
  readonly #current = scratchTuple();
  readonly #answer = scratchTuple();
  constructor(
    readonly host: ConntrackHost,
    readonly table: Table,
  ) {}

  /** nf_nat_used_tuple(): would answers to `t` be taken for another flow's? */
  #used(t: Tuple, ct: Conn): boolean {
    return this.table.taken(inverse(t, this.#answer), ct);
  }

  /** nf_nat_used_tuple_harder(): near the end of the search a closed TCP flow makes room for a newer one. */
  #usedHarder(t: Tuple, ct: Conn, attemptsLeft: number): boolean {
    if (attemptsLeft > HARDER_THRESHOLD || t.proto !== IPPROTO.TCP || tcpState(ct) !== TCP.SYN_SENT) return this.#used(t, ct);
    const hit = this.table.find(inverse(t, this.#answer), ct.zone);
    if (!hit) return false;
    const old = tcpTrack(hit.ct);
    if (hit.dir !== REPLY || !old || old.state < TCP.TIME_WAIT) return true;
    if (hit.ct.status & (IPS.FIXED_TIMEOUT | IPS.DYING) || !(hit.ct.status & IPS.SRC_NAT)) return true;
    if (((tcpTrack(ct).end - old.end) | 0) <= 0) return true;
    return !this.table.remove(hit.ct);
  }

  /** find_appropriate_src(): another flow of the same source keeps its mapping. */
  #sameMapping(ct: Conn, t: Tuple, r: NatRange): Tuple | null {
    for (const other of this.table.withSource(t, ct.zone)) {
      const mapped = inverse(other.reply);
      const candidate = tuple(t, mapped.src, t.dst, mapped.sport, t.dport);
      if (inAddrRange(candidate.src, r) && portInRange(candidate, 'SNAT', r)) return candidate;
    }
    return null;
  }

  /** find_best_ips_proto(). Which address of a range is a hash in the kernel, hence a choice here; --persistent asks the door under another name. */
  #address(t: Tuple, r: NatRange, manip: Manip): Tuple {
    if (r.minAddr === null || r.maxAddr === null) return t;
    let addr = r.minAddr;
    if (r.minAddr !== r.maxAddr)
      addr = addToAddr(
        r.minAddr,
        this.host.choose.below(rangeSize(r.minAddr, r.maxAddr), r.flags & NAT_RANGE.PERSISTENT ? 'nat-address-persistent' : 'nat-address'),
      );
    return manip === 'SNAT' ? tuple(t, addr, t.dst, t.sport, t.dport) : tuple(t, t.src, addr, t.sport, t.dport);
  }

  /** nf_nat_l4proto_unique_tuple(). */
  #uniquePort(t: Tuple, r: NatRange, manip: Manip, ct: Conn): Tuple {
    const choice = portChoice(t, manip, r, ct.master !== null);
    if (!choice) return t;
    const { field, min, size } = choice;
    const draw = (): number => (size === 1 ? 0 : this.host.choose.port(min, min + size - 1) - min);
    let offset: number;
    if (r.basePort !== null) offset = (t[field] - r.basePort) & 0xffff;
    else offset = manip === 'DNAT' && !(r.flags & RANDOM) ? 0 : draw();
    let candidate = t;
    for (let attempts = Math.min(size, MAX_ATTEMPTS); ; attempts = attempts >>> 1, offset = draw()) {
      for (let i = 0; i < attempts; i++) {
        const port = min + (((offset + i) & 0xffff) % size);
        candidate = field === 'sport' ? tuple(t, t.src, t.dst, port, t.dport) : tuple(t, t.src, t.dst, t.sport, port);
        if (!this.#usedHarder(candidate, ct, attempts - i)) return candidate;
      }
      if (attempts >= size || attempts < MIN_ATTEMPTS) return candidate;
    }
  }

  /** get_unique_tuple(). */
  #uniqueTuple(orig: Tuple, r: NatRange, manip: Manip, ct: Conn): Tuple {
    const random = (r.flags & RANDOM) !== 0;
    if (manip === 'SNAT' && !random) {
      if (inAddrRange(orig.src, r) && portInRange(orig, 'SNAT', r)) {
        if (!this.#used(orig, ct)) return orig;
      } else {
        const same = this.#sameMapping(ct, orig, r);
        if (same && !this.#used(same, ct)) return same;
      }
    }
    const t = this.#address(orig, r, manip);
    if (!random) {
      if (r.minPort !== null) {
        if (r.basePort === null && portInRange(t, manip, r) && (r.minPort === r.maxPort || !this.#used(t, ct))) return t;
      } else if (!this.#used(t, ct)) return t;
    }
    return this.#uniquePort(t, r, manip, ct);
  }

  /** nf_nat_setup_info(): binds an unconfirmed flow for `manip`. */
  setup(ct: Conn, given: NatRange, manip: Manip, rule: RuleRef | null): boolean {
    if (ct.confirmed) return true;
    if (isBound(ct, manip)) return false;
    const current = inverse(ct.into(REPLY, this.#reply), this.#current);
    const range = netmapRange(given, manip === 'SNAT' ? current.src : current.dst);
    const wanted = this.#uniqueTuple(current, range, manip, ct);
    if (!tupleEqual(wanted, current)) {
      ct.reply = inverse(wanted, this.#answer);
      ct.status |= natBit(manip);
      if (manip === 'SNAT') ct.snatRule = rule;
      else ct.dnatRule = rule;
    }
    if (manip === 'SNAT') this.table.addSource(ct);
    ct.status |= doneBit(manip);
    return true;
  }

  /** nf_nat_alloc_null_binding(): no rule wanted it; the address stays, the source port may still have to give way to another flow's. */
  bindNull(ct: Conn, manip: Manip): boolean {
    // Nearly always nobody else has the tuple, and there is nothing to choose.
    if (!ct.confirmed && !isBound(ct, manip) && !this.table.taken(ct.into(REPLY, this.#reply), ct)) {
      if (manip === 'SNAT') this.table.addSource(ct);
      ct.status |= doneBit(manip);
      return true;
    }
    const { src, dst } = ct.reply;
    const addr = manip === 'SNAT' ? dst : src;
    return this.setup(ct, { ...NAT_NOTHING, minAddr: addr, maxAddr: addr }, manip, null);
  }
}
