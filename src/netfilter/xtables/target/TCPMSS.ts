/** TCPMSS: lowers the maximum segment size that a SYN announces (xt_TCPMSS.c). */
import { anyAddr } from '../../../base/addr.js';
import { checksumReplace, foldChecksum, sum16 } from '../../../packet/checksum.js';
import { IPPROTO, type Skb } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH, find, has, tellMangle, uintOption } from './common.js';

interface TcpmssData {
  /** null: clamp to the path MTU. */
  readonly mss: number | null;
}

const OPT_NOP = 1;
const OPT_MSS = 2;
const OPT_MSS_LEN = 4;
const NO_MTU = 0xffffffff;

export const TCPMSS: TargetDef<TcpmssData> = {
  name: 'TCPMSS',
  kernel: 'net/netfilter/xt_TCPMSS.c',
  families: BOTH,
  protocols: [IPPROTO.TCP],
  options: [
    { name: 'set-mss', arg: 'required' },
    { name: 'clamp-mss-to-pmtu', arg: 'none' },
  ],
  parse(given, ctx) {
    if (given.length === 0) throw new OptionError('TCPMSS target: At least one parameter is required');
    const g = find(given, 'set-mss');
    const mss = g ? uintOption('TCPMSS', g, 65535 - (ctx.family === 'ipv4' ? 20 : 40)) : null;
    return { mss: has(given, 'clamp-mss-to-pmtu') ? null : mss };
  },
  print: (d) => (d.mss === null ? ' --clamp-mss-to-pmtu' : ` --set-mss ${d.mss}`),
  check(d, ctx) {
    if (d.mss === null && [...ctx.hooks].some((h) => h === 'PREROUTING' || h === 'INPUT')) {
      throw new OptionError('TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks', 'clamp-mss-to-pmtu');
    }
    if (ctx.matchTexts && !ctx.matchTexts.some(asksForSyn)) {
      throw new OptionError('TCPMSS: Only works on TCP SYN packets', undefined, 'add -m tcp --tcp-flags SYN,RST SYN');
    }
  },
  lower: (d) => (c) => (clamp(c, d) ? 'CONTINUE' : 'DROP'),
};

/** find_syn_match(): a tcp match that compares with SYN set, not negated. */
function asksForSyn(text: string): boolean {
  const m = /^tcp\b.*?( !)? --tcp-flags \S+ (\S+)/.exec(text);
  return m !== null && m[1] === undefined && m[2].split(',').some((f) => f === 'SYN' || f === 'ALL');
}

/** tcpmss_mangle_packet(); false: drop. */
function clamp(c: PacketCtx, d: TcpmssData): boolean {
  const { skb } = c;
  if (skb.fragOffset !== 0) return true;
  const th = skb.thoff;
  const len = skb.data.length - th;
  if (th < 0 || len < 20) return false;
  const headerLen = (skb.u8(th + 12) >>> 4) * 4;
  if (len < headerLen || headerLen < 20) return false;
  const headers = skb.nhlen + 20;
  let mss = d.mss;
  if (mss === null) {
    const mtu = Math.min(skb.dst?.mtu ?? NO_MTU, reverseMtu(c));
    if (mtu <= headers) return false;
    mss = Math.min(mtu - headers, 0xffff);
  }
  const at = findMss(skb, th, headerLen);
  if (at >= 0) {
    const before = skb.u16(at + 2);
    if (before > mss) {
      skb.setTransport16(at + 2, mss);
      tellMangle(c, 'tcp-mss', before, mss);
    }
    return true;
  }
  // Data behind the header cannot be moved, and a full header has no room.
  if (len > headerLen || headerLen >= 60) return true;
  insertMss(skb, th, Math.min(mss, skb.family === 'ipv4' ? 536 : 1220));
  tellMangle(c, 'tcp-mss', 'none', Math.min(mss, skb.family === 'ipv4' ? 536 : 1220));
  return true;
}

/** MTU of the route back to the source (tcpmss_reverse_mtu). */
function reverseMtu(c: PacketCtx): number {
  const { skb } = c;
  const { family } = skb;
  const a = c.env.fib({ family, src: anyAddr(family), dst: skb.saddr, iif: null, oif: null, mark: 0, tos: 0, proto: 0, sport: 0, dport: 0 });
  // Routes to our own addresses go over lo, whose MTU is beyond what a packet can have.
  return a.errno !== 0 || a.type === 'local' ? NO_MTU : (a.mtu ?? a.dev?.mtu ?? NO_MTU);
}

function findMss(skb: Skb, th: number, headerLen: number): number {
  for (let i = 20; i <= headerLen - OPT_MSS_LEN; ) {
    const kind = skb.u8(th + i);
    if (kind === OPT_MSS && skb.u8(th + i + 1) === OPT_MSS_LEN) return th + i;
    // optlen(): kinds 0 and 1, and a length of 0, are stepped over one byte at a time.
    i += kind <= OPT_NOP || skb.u8(th + i + 1) === 0 ? 1 : skb.u8(th + i + 1);
  }
  return -1;
}

/** Puts an MSS option in front of the others; lengths and checksums follow. */
function insertMss(skb: Skb, th: number, mss: number): void {
  const old = skb.data;
  const data = new Uint8Array(old.length + OPT_MSS_LEN);
  data.set(old.subarray(0, th + 20));
  data.set([OPT_MSS, OPT_MSS_LEN, mss >>> 8, mss & 255], th + 20);
  data.set(old.subarray(th + 20), th + 20 + OPT_MSS_LEN);
  const v6 = skb.family === 'ipv6';
  const lengthAt = v6 ? 4 : 2;
  const lengthBefore = old.slice(lengthAt, lengthAt + 2);
  skb.setData(data);
  skb.setU16(lengthAt, skb.u16(lengthAt) + OPT_MSS_LEN);
  if (!v6) skb.setU16(10, checksumReplace(skb.u16(10), lengthBefore, skb.data.subarray(2, 4)));
  // The pseudo header's length grows by 4, the data offset by one word (0x1000 in its 16 bits), and the option comes in.
  const sum = (~skb.u16(th + 16) & 0xffff) + OPT_MSS_LEN + 0x1000 + sum16(skb.data, th + 20, th + 24);
  skb.setU8(th + 12, skb.u8(th + 12) + 0x10);
  skb.setU16(th + 16, foldChecksum(sum));
}
