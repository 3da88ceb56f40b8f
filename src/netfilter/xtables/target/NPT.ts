/** SNPT and DNPT: prefix translation that leaves checksums as they are (RFC 6296, net/ipv6/netfilter/ip6t_NPT.c). */
import { type Addr, andAddr, formatAddr, type Ip6, inPrefix, parseIp6, prefixMask, readAddr, writeAddr } from '../../../base/addr.js';
import { foldChecksum, sum16 } from '../../../packet/checksum.js';
import { IPPROTO, type Skb } from '../../../packet/skb.js';
import type { HookPoint } from '../../../trace/event.js';
import { type Given, OptionError, type TargetDef } from '../extension.js';
import { parseUint } from '../numbers.js';
import { find, maskPrefix, V6 } from './common.js';

interface NptData {
  readonly src: Addr;
  readonly srcLen: number;
  readonly dst: Addr;
  readonly dstLen: number;
}

function nptTarget(name: 'SNPT' | 'DNPT', hooks: readonly HookPoint[]): TargetDef<NptData> {
  const prefix = (g: Given): { addr: Addr; len: number } => {
    const [text, mask, more] = g.value.split('/');
    const addr = parseIp6(text);
    if (addr === null) throw new OptionError(`host/network \`${text}' not found`, g.name);
    const whole = mask === undefined ? 128 : (parseUint(mask, 0, 128) ?? maskPrefix(mask, 'ipv6'));
    if (whole === null || more !== undefined) throw new OptionError(`invalid mask \`${mask}' specified`, g.name);
    return { addr, len: whole };
  };
  return {
    name,
    kernel: 'net/ipv6/netfilter/ip6t_NPT.c',
    families: V6,
    tables: ['mangle'],
    hooks,
    options: ['src-pfx', 'dst-pfx'].map((n) => ({ name: n, arg: 'required', mandatory: true })),
    parse(given) {
      const s = prefix(find(given, 'src-pfx') as Given);
      const d = prefix(find(given, 'dst-pfx') as Given);
      return { src: s.addr, srcLen: s.len, dst: d.addr, dstLen: d.len };
    },
    print: (d) => ` --src-pfx ${formatAddr(d.src)}/${d.srcLen} --dst-pfx ${formatAddr(d.dst)}/${d.dstLen}`,
    check(d) {
      if (d.srcLen > 64 || d.dstLen > 64) throw new OptionError(`${name}: a prefix is at most 64 bits long`);
      for (const [a, len] of [
        [d.src, d.srcLen],
        [d.dst, d.dstLen],
      ] as const) {
        if (andAddr(a, prefixMask('ipv6', len)) !== a) throw new OptionError(`${name}: ${formatAddr(a)} has bits behind its prefix`);
      }
    },
    lower: (d) => {
      const map = translator(d);
      const at = name === 'SNPT' ? SADDR : DADDR;
      return (c) => {
        if (!map(c.skb, at)) {
          c.env.sendIcmpError(c, PARAMPROB, 0);
          return 'DROP';
        }
        mapBounced(c.skb, d, map, name === 'SNPT' ? DADDR : SADDR);
        return 'CONTINUE';
      };
    },
  };
}

export const SNPT = nptTarget('SNPT', ['INPUT', 'POSTROUTING']);
export const DNPT = nptTarget('DNPT', ['PREROUTING', 'OUTPUT']);

const SADDR = 8;
const DADDR = 24;
const PARAMPROB = 4;

/** ip6t_npt_map_pfx(): writes the new prefix, then one word that makes up for the difference in the checksum; false where every such word is 0xffff. */
function translator(d: NptData): (skb: Skb, at: number) => boolean {
  const len = Math.max(d.srcLen, d.dstLen);
  const mask = prefixMask('ipv6', len) as Ip6;
  const bytes = (a: Addr): Uint8Array => {
    const b = new Uint8Array(16);
    writeAddr(b, 0, a);
    return b;
  };
  const folded = (a: Addr): number => ~foldChecksum(sum16(bytes(a), 0, 16)) & 0xffff;
  // What the sum of the words must gain: source prefix minus destination prefix.
  const adjustment = ~foldChecksum(folded(d.src) + (~folded(d.dst) & 0xffff)) & 0xffff;
  return (skb, at) => {
    const old = readAddr(skb.data, at, 'ipv6') as Ip6;
    const units = Array.from({ length: 8 }, (_, i) => (old.charCodeAt(i) & ~mask.charCodeAt(i) & 0xffff) | ((d.dst as Ip6).charCodeAt(i) & mask.charCodeAt(i)));
    const word = len <= 48 ? 3 : units.findIndex((u, i) => i >= 4 && u !== 0xffff);
    if (word < 0) return false;
    const sum = ~foldChecksum(units[word] + adjustment) & 0xffff;
    units[word] = sum === 0xffff ? 0 : sum;
    writeAddr(skb.data, at, String.fromCharCode(...units));
    return true;
  };
}

/** The packet quoted in an ICMPv6 error is translated back the other way. */
function mapBounced(skb: Skb, d: NptData, map: (skb: Skb, at: number) => boolean, side: number): void {
  const th = skb.thoff;
  if (skb.l4proto !== IPPROTO.ICMPV6 || th < 0 || skb.data.length < th + 48 || skb.u8(th) >= 128) return;
  const at = th + 8 + side;
  if (inPrefix(readAddr(skb.data, at, 'ipv6'), d.src, d.srcLen)) map(skb, at);
}
