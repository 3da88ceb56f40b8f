/** Networks: `10.0.0.0/8`, a bare address is a /32; IPv4 ranges `a-b` in `add` and `del` are taken apart into networks (ip_set_range_to_cidr). */
import { type Addr, formatAddr, networkOf } from '../../../base/addr.js';
import { IpsetError } from '../types.js';
import { hostBits, splitCidr, splitRange } from './ip.js';
import { badCidr, type SetFamily } from './value.js';

export interface Net {
  readonly addr: Addr;
  readonly len: number;
}
export interface NetPart {
  readonly nets: readonly Net[];
  readonly many: boolean;
}

export function parseNetPart(text: string, family: SetFamily, net0: boolean): NetPart {
  const bits = hostBits(family);
  if (text.includes('-')) {
    if (family === 'ipv6') throw new IpsetError('ipset-address', `Syntax error: IP address or IP/cidr must be specified: ${text}`, text);
    const range = splitRange(text);
    if (range) {
      if (range.lo === 0 && range.hi === 0xffffffff) throw new IpsetError('ipset-hash-range', 'Invalid range, covers the whole address space', text);
      return { nets: rangeToNets(range.lo, range.hi), many: true };
    }
  }
  const { addr, len } = splitCidr(text, family);
  const l = len ?? bits;
  if (l === 0 && !net0) throw badCidr();
  return { nets: [{ addr: networkOf(addr, l), len: l }], many: false };
}

/** The fewest networks that cover lo..hi exactly, in ascending order. */
function rangeToNets(lo: number, hi: number): readonly Net[] {
  const nets: Net[] = [];
  for (let at = lo; at <= hi; ) {
    let size = 1;
    let len = 32;
    while (len > 0 && at % (size * 2) === 0 && at + size * 2 - 1 <= hi) {
      size *= 2;
      len--;
    }
    nets.push({ addr: at, len });
    at += size;
  }
  return nets;
}

export const printNet = (n: Net, bits: number): string => (n.len === bits ? formatAddr(n.addr) : `${formatAddr(n.addr)}/${n.len}`);
