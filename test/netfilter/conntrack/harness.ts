/** A node that is nothing but connection tracking: packets in, state out. */
import { parseAddr } from '../../../src/base/addr.js';
import { Conntrack, type ConntrackHost, ctSettings, ctState } from '../../../src/netfilter/conntrack/index.js';
import { tcpState } from '../../../src/netfilter/conntrack/tcp.js';
import { TCP_STATE_NAMES } from '../../../src/netfilter/conntrack/tcp-states.js';
import type { Env } from '../../../src/netfilter/env.js';
import type { PacketCtx } from '../../../src/netfilter/pred.js';
import { foldChecksum, pseudoSum, sum16 } from '../../../src/packet/checksum.js';
import { ETH_P_IP, type Origin, Skb } from '../../../src/packet/skb.js';
import type { NetDevice } from '../../../src/packet/types.js';
import { type EventBody, type HookPoint, ListRecorder } from '../../../src/trace/event.js';

const FLAGS = 'FSRPAUEC';

export class Lab {
  time = 0;
  readonly sysctls = new Map<string, number>();
  readonly counters = new Map<string, number>();
  readonly drops: string[] = [];
  readonly told: EventBody[] = [];
  readonly ports: number[] = [];
  #ids = 1;
  readonly ct: Conntrack;
  constructor() {
    const { sysctls } = this;
    const host: ConntrackHost = {
      node: 'n',
      rec: new ListRecorder(),
      choose: { port: (min) => this.ports.shift() ?? min, below: () => 0 },
      now: () => this.time,
      get settings() {
        return ctSettings((p) => sysctls.get(p));
      },
      tell: (_skb, body) => void this.told.push(body),
      newSkb: (data, protocol, origin) => this.skb(data, protocol, origin),
      count: (name, n = 1) => void this.counters.set(name, (this.counters.get(name) ?? 0) + n),
      drop: (_skb, reason) => void this.drops.push(reason),
    };
    this.ct = new Conntrack(host);
  }
  skb(data: Uint8Array, protocol = ETH_P_IP, origin: Origin = { kind: 'injected', of: null }): Skb {
    return new Skb(this.#ids++, origin, data, protocol);
  }
  ctx(skb: Skb, hook: HookPoint, out: NetDevice | null = null): PacketCtx {
    return { skb, family: skb.family, hook, in: null, out, env: undefined as unknown as Env, rule: null, hotdrop: false };
  }
  /** PREROUTING to POSTROUTING of a forwarded packet without rules; what ctstate said. */
  forward(skb: Skb): string {
    this.ct.conntrackIn(skb, 'PREROUTING');
    const state = ctState(skb);
    for (const hook of ['PREROUTING', 'POSTROUTING'] as const) if (this.ct.nat(this.ctx(skb, hook), []) === 'DROP') return 'nat-drop';
    return this.ct.confirm(skb) === 'DROP' ? 'confirm-drop' : state;
  }
  tcpState(): string {
    const [ct] = [...this.ct.entries()];
    return ct ? `${TCP_STATE_NAMES[tcpState(ct)]}${ct.status & 4 ? '!' : ''}` : '-';
  }
}

export function ip4(src: string, dst: string, proto: number, payload: Uint8Array): Uint8Array {
  const d = new Uint8Array(20 + payload.length);
  d[0] = 0x45;
  d[2] = d.length >>> 8;
  d[3] = d.length;
  d[8] = 64;
  d[9] = proto;
  const put = (at: number, a: number): void => {
    for (let i = 0; i < 4; i++) d[at + i] = a >>> (24 - 8 * i);
  };
  put(12, parseAddr(src) as number);
  put(16, parseAddr(dst) as number);
  d.set(payload, 20);
  const sum = foldChecksum(sum16(d, 0, 20));
  d[10] = sum >>> 8;
  d[11] = sum;
  return d;
}
function checksummed(d: Uint8Array, at: number, pseudo: boolean): Uint8Array {
  const sum = foldChecksum(sum16(d, 20, d.length, pseudo ? pseudoSum(d.subarray(12, 16), d.subarray(16, 20), d[9], d.length - 20) : 0));
  d[20 + at] = sum >>> 8;
  d[21 + at] = sum;
  return d;
}
export function tcp(src: string, sport: number, dst: string, dport: number, flags: string, seq: number, ack = 0, data = 0, win = 65535): Uint8Array {
  const t = new Uint8Array(20 + data);
  const v = new DataView(t.buffer);
  v.setUint16(0, sport);
  v.setUint16(2, dport);
  v.setUint32(4, seq);
  v.setUint32(8, ack);
  t[12] = 0x50;
  for (const f of flags) t[13] |= 1 << FLAGS.indexOf(f);
  v.setUint16(14, win);
  return checksummed(ip4(src, dst, 6, t), 16, true);
}
export function udp(src: string, sport: number, dst: string, dport: number, data = 8): Uint8Array {
  const u = new Uint8Array(8 + data);
  const v = new DataView(u.buffer);
  v.setUint16(0, sport);
  v.setUint16(2, dport);
  v.setUint16(4, u.length);
  return checksummed(ip4(src, dst, 17, u), 6, true);
}
export function icmp(src: string, dst: string, type: number, code: number, id: number, rest: Uint8Array = new Uint8Array(8)): Uint8Array {
  const m = new Uint8Array(8 + rest.length);
  m[0] = type;
  m[1] = code;
  m[4] = id >>> 8;
  m[5] = id;
  m.set(rest, 8);
  return checksummed(ip4(src, dst, 1, m), 2, false);
}
