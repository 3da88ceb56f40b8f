/** Packets for set tests, from a line of words: `tcp 10.0.0.1:1000 > 10.0.0.2:80 in=eth0 out=eth1 mark=0x5`, `icmp a > b type=8/0`, `frag`, `nomac`. */
import { formatAddr, parseAddr, parseMac, writeAddr } from '../../../src/base/addr.js';
import type { Env } from '../../../src/netfilter/env.js';
import type { PacketCtx } from '../../../src/netfilter/pred.js';
import { Skb } from '../../../src/packet/skb.js';
import type { NetDevice } from '../../../src/packet/types.js';
import { NO_RECORDER } from '../../../src/trace/event.js';

const PROTOS: Record<string, number> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132, udplite: 136, gre: 47, esp: 50 };

const device = (name: string): NetDevice => ({ name, linkType: 'ether' }) as NetDevice;

function endpoint(word: string): { addr: NonNullable<ReturnType<typeof parseAddr>>; port: number } {
  const m = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(word);
  const bare = parseAddr(word);
  if (bare !== null) return { addr: bare, port: 0 };
  const addr = m ? parseAddr(m[1]) : null;
  if (!m || addr === null) throw new Error(`bad endpoint ${word}`);
  return { addr, port: Number(m[2] ?? 0) };
}

export function packet(text: string): PacketCtx {
  const [proto, from, , to, ...options] = text.split(/\s+/);
  const opt = new Map(options.map((o) => o.split('=') as [string, string | undefined]));
  const src = endpoint(from);
  const dst = endpoint(to);
  const v6 = typeof src.addr !== 'number';
  const nh = v6 ? 40 : 20;
  const data = new Uint8Array(nh + 24);
  const number = PROTOS[proto] ?? Number(proto);
  if (v6) {
    data[0] = 0x60;
    data[5] = 24;
    data[6] = number;
    writeAddr(data, 8, src.addr);
    writeAddr(data, 24, dst.addr);
  } else {
    data[0] = 0x45;
    data[3] = data.length;
    data[9] = number;
    if (opt.has('frag')) data[7] = 10;
    writeAddr(data, 12, src.addr);
    writeAddr(data, 16, dst.addr);
  }
  const type = opt.get('type')?.split('/').map(Number);
  const [w0, w1] = type ? [type[0] * 256 + (type[1] ?? 0), 0] : [src.port, dst.port];
  data.set([w0 >> 8, w0 & 255, w1 >> 8, w1 & 255], nh);
  const skb = new Skb(1, { kind: 'injected', of: null }, data, v6 ? 0x86dd : 0x0800);
  skb.mark = Number(opt.get('mark') ?? 0);
  const input = opt.get('in');
  const out = opt.get('out');
  skb.dev = input ? device(input) : null;
  if (!opt.has('nomac'))
    skb.eth = { src: parseMac(opt.get('smac') ?? '02:00:00:00:00:01') as number, dst: parseMac(opt.get('dmac') ?? '02:00:00:00:00:02') as number };
  return {
    skb,
    family: v6 ? 'ipv6' : 'ipv4',
    hook: 'FORWARD',
    in: input ? device(input) : null,
    out: out ? device(out) : null,
    env: { rec: NO_RECORDER, choose: { port: (min: number) => min, below: () => 0 }, node: 'n', now: () => 0 } as unknown as Env,
    rule: null,
    hotdrop: false,
  };
}

export const dirsOf = (text: string): boolean[] => text.split(',').map((d) => d === 'src');
export { formatAddr };
