/** A world for one target: it notes what the target asks for and answers with fixed facts. */
import { type Addr, parseAddr } from '../../../../src/base/addr.js';
import { hasErrors } from '../../../../src/base/diagnostic.js';
import { applyIptablesCommand } from '../../../../src/formats/iptables-command.js';
import type { Env, SocketQuery } from '../../../../src/netfilter/env.js';
import type { PacketCtx } from '../../../../src/netfilter/pred.js';
import { callAction } from '../../../../src/netfilter/xtables/action.js';
import type { TargetVerdict } from '../../../../src/netfilter/xtables/extension.js';
import { buildIcmp, buildIp, buildTcp, buildUdp, TCP_FLAG } from '../../../../src/packet/build.js';
import { Skb } from '../../../../src/packet/skb.js';
import type { Dst, NetDevice, NfConn, SkSocket } from '../../../../src/packet/types.js';
import { type Event, type HookPoint, ListRecorder } from '../../../../src/trace/event.js';

export const addr = (text: string): Addr => {
  const a = parseAddr(text);
  if (a === null) throw new Error(text);
  return a;
};

export const device = (name: string, ifindex: number, mtu = 1500): NetDevice => ({
  name,
  ifindex,
  kind: 'veth',
  linkType: 'ether',
  mac: 0x020000000001,
  mtu,
  up: true,
  carrier: true,
  loopback: false,
  noarp: false,
  pointToPoint: false,
  promisc: false,
  master: null,
  group: 0,
});

export interface World {
  readonly calls: string[];
  readonly events: Event[];
  readonly env: Env;
  socket: Partial<SkSocket> | null;
}

export function world(): World {
  const calls: string[] = [];
  const states = new Map<string, unknown>();
  const rec = new ListRecorder();
  const self = { calls, events: rec.events, socket: null } as { calls: string[]; events: Event[]; socket: Partial<SkSocket> | null; env: Env };
  const range = (r: { minAddr: Addr | null; minPort: number | null; maxPort: number | null }): string =>
    `${r.minAddr ?? '-'} ${r.minPort ?? '-'} ${r.maxPort ?? '-'}`;
  self.env = {
    node: 'n',
    rec,
    now: () => 0,
    sets: {
      add: (set: string, _c: PacketCtx, dirs: readonly boolean[], timeout: number | null, exist: boolean) =>
        calls.push(`add ${set} ${dirs.join()} ${timeout} ${exist}`),
      del: (set: string, _c: PacketCtx, dirs: readonly boolean[]) => calls.push(`del ${set} ${dirs.join()}`),
      test: () => ({ hit: true, member: '', skbinfo: { mark: 5, markMask: 0xf, prio: 9, queue: 0 } }),
      describe: () => undefined,
    },
    ct: {
      natSetup: (_c: PacketCtx, r: Parameters<typeof range>[0], manip: string) => calls.push(`${manip} ${range(r)}`) > 0,
      masqueradeAddress: () => addr('9.9.9.9'),
      redirectAddress: () => addr('10.0.0.1'),
      attachTemplate: (_s: Skb, t: { zone: number }) => calls.push(`template ${t.zone}`),
      untrack: () => calls.push('untrack'),
      countConnections: () => 0,
    },
    choose: { port: (min: number) => min, below: (bound: number) => Math.floor(bound / 3) },
    state: (key: string, make: () => unknown) => states.get(key) ?? states.set(key, make()).get(key),
    fib: () => ({ errno: 0, type: 'unicast', dev: device('r', 9, 1300), devs: [], gateway: null, realm: 0 }),
    socket: ({ want, proto, sport, dst, dport }: SocketQuery) => {
      calls.push(`socket ${want} ${proto} ${sport} ${dst} ${dport}`);
      return want === 'listener' ? self.socket : null;
    },
    sendReset: () => calls.push('reset'),
    sendIcmpError: (_c: PacketCtx, type: number, code: number) => calls.push(`icmp ${type} ${code}`),
    tee: (_c: PacketCtx, gw: Addr, oif: string | null) => calls.push(`tee ${gw} ${oif}`),
    inconclusive: (what: string) => {
      throw new Error(`inconclusive: ${what}`);
    },
  } as unknown as Env;
  return self;
}

export interface PacketSpec {
  readonly src?: string;
  readonly dst?: string;
  readonly proto?: 'tcp' | 'udp' | 'icmp';
  readonly flags?: number;
  readonly options?: readonly number[];
  readonly payload?: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly fragOffset?: number;
  readonly mark?: number;
  readonly ctmark?: number;
  readonly mtu?: number;
}

export function packet(p: PacketSpec): Skb {
  const src = addr(p.src ?? '10.0.0.2');
  const dst = addr(p.dst ?? '10.1.0.2');
  const body = { sport: 1000, dport: 80, payload: new Uint8Array(p.payload ?? 0) };
  const proto = p.proto ?? 'tcp';
  const payload =
    proto === 'tcp'
      ? buildTcp({ ...body, flags: p.flags ?? TCP_FLAG.SYN, ...(p.options ? { options: Uint8Array.from(p.options) } : {}) }, src, dst)
      : proto === 'udp'
        ? buildUdp(body, src, dst)
        : buildIcmp({ type: 8, code: 0 });
  const data = buildIp({ src, dst, proto: { tcp: 6, udp: 17, icmp: 1 }[proto], payload, tos: p.tos ?? 0, ttl: p.ttl ?? 64, fragOffset: p.fragOffset ?? 0 });
  const skb = new Skb(1, { kind: 'injected', of: null }, data, typeof src === 'number' ? 0x0800 : 0x86dd);
  skb.mark = p.mark ?? 0;
  skb.ct = p.ctmark === undefined ? null : ({ mark: p.ctmark, orig: { src } } as unknown as NfConn);
  skb.dst = { mtu: p.mtu ?? 1500, flags: 0 } as Dst;
  return skb;
}

/** Runs `-t TABLE -A CHAIN …`'s target on a packet that its matches are taken to fit. */
export function runTarget(command: string, skb: Skb, w: World): TargetVerdict {
  const words = command.split(' ');
  const { value, diagnostics } = applyIptablesCommand(words, { family: skb.family, tables: [] });
  if (hasErrors(diagnostics)) throw new Error(diagnostics[0].message);
  const hook = words[words.indexOf('-A') + 1] as HookPoint;
  const chain = value.ruleset.tables[0].chains.find((c) => c.name === hook);
  const rule = chain?.rules.at(0);
  if (rule?.target.kind !== 'extension') throw new Error(`no extension: ${command}`);
  const ctx = { family: skb.family, table: value.ruleset.tables[0].name, proto: rule.proto?.value ?? 0, protoInverted: false };
  const c: PacketCtx = {
    skb,
    family: skb.family,
    hook,
    in: hook === 'OUTPUT' || hook === 'POSTROUTING' ? null : device('eth0', 1),
    out: hook === 'PREROUTING' || hook === 'INPUT' ? null : device('eth1', 2),
    env: w.env,
    rule: { backend: 'legacy', family: skb.family, table: ctx.table, chain: hook, num: 1 },
    hotdrop: false,
  };
  const { run, data } = callAction(rule.target.def.name, rule.target.def.lower(rule.target.data, ctx));
  return run(c, data);
}
