/** TPROXY: hands the packet to a local transparent socket without changing it (xt_TPROXY.c). */
import { type Addr, anyAddr, formatAddr } from '../../../base/addr.js';
import { servicePort } from '../../../base/well-known.js';
import type { SkSocket } from '../../../packet/types.js';
import type { PacketCtx } from '../../pred.js';
import { parseHost } from '../address.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { hex, parseUint } from '../numbers.js';
import { markMask } from '../values.js';
import { BOTH, find, setMark } from './common.js';

interface TproxyData {
  /** 0: the packet's own. */
  readonly port: number;
  /** All zero: the input device's. */
  readonly addr: Addr;
  readonly value: number;
  readonly mask: number;
}

export const TPROXY: TargetDef<TproxyData> = {
  name: 'TPROXY',
  kernel: 'net/netfilter/xt_TPROXY.c',
  families: BOTH,
  tables: ['mangle'],
  hooks: ['PREROUTING'],
  options: [
    { name: 'on-port', arg: 'required', mandatory: true },
    { name: 'on-ip', arg: 'required' },
    { name: 'tproxy-mark', arg: 'required' },
  ],
  parse(given, ctx) {
    const p = find(given, 'on-port');
    const port = p ? (parseUint(p.value, 0, 65535) ?? servicePort(p.value, null)) : undefined;
    if (port === undefined) throw new OptionError(`Port "${p?.value}" does not resolve to anything.`, 'on-port');
    const ip = find(given, 'on-ip');
    const addr = ip ? parseHost(ip.value, ctx.family) : anyAddr(ctx.family);
    if (addr === null) throw new OptionError(`host/network \`${ip?.value}' not found`, 'on-ip', 'names are not resolved here: write the address');
    const mark = find(given, 'tproxy-mark');
    return { port, addr, ...(mark ? markMask('TPROXY', mark) : { value: 0, mask: 0 }) };
  },
  print: (d) => ` --on-port ${d.port} --on-ip ${formatAddr(d.addr)} --tproxy-mark ${hex(d.value)}/${hex(d.mask)}`,
  check(_d, ctx) {
    if ((ctx.proto !== 6 && ctx.proto !== 17) || ctx.protoInverted) throw new OptionError('TPROXY: Can be used only with -p tcp or -p udp');
  },
  lower: (d) => (c) => {
    const sk = c.skb.sport < 0 ? null : tproxySocket(c, d.addr === anyAddr(c.skb.family) ? null : d.addr, d.port);
    if (!sk) return 'DROP';
    setMark(c, (c.skb.mark & ~d.mask) ^ d.value);
    c.skb.sk = sk;
    return 'ACCEPT';
  },
};

/**
 * The transparent socket that takes the packet: one of its connection, else one that listens at that address (null: the input device's) and port (0: the packet's own). Null: none.
 */
export function tproxySocket(c: PacketCtx, addr: Addr | null, port: number): SkSocket | null {
  const { skb, env } = c;
  const own = { family: skb.family, proto: skb.l4proto, src: skb.saddr, sport: skb.sport, dst: skb.daddr, dport: skb.dport, dev: c.in } as const;
  let sk = env.socket({ ...own, want: 'established' });
  if (!sk) {
    const dst = addr ?? env.ct.redirectAddress(c) ?? skb.daddr;
    sk = env.socket({ ...own, dst, dport: port === 0 ? skb.dport : port, want: 'listener' });
  }
  return sk?.transparent ? sk : null;
}
