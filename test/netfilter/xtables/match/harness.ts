/**
 * Runs the text tables of this folder. A table is a list of lines:
 *
 *   # a comment
 *   :INPUT,OUTPUT            the chains to try (INPUT by default); *mangle: the table
 *   family ipv6              (ipv4 by default)
 *   rule ; print ; OK        as in iptables' own extension tests: `=` for the same text, nothing for FAIL
 *   + packet ; meta          that rule's matches say yes, `-` no, `x` drop the packet (packet/text.ts)
 *
 * Packets below one rule share its state. Meta words: in, out, physin, physout DEV; mark, ctmark, uid, gid N; mac M; pkttype T; at MS;
 * ct STATE[,…]; secpath, bundle PROTO/MODE/SRC/DST/SPI/REQID: IPsec undone, to be done.
 */
import { type Addr, inPrefix, parseIp4, parseMac } from '../../../../src/base/addr.js';
import { hasErrors } from '../../../../src/base/diagnostic.js';
import { readIptablesSave } from '../../../../src/formats/iptables-save.js';
import type { Env, FibAnswer, FibQuery, SocketQuery } from '../../../../src/netfilter/env.js';
import { type PacketCtx, test as testPred } from '../../../../src/netfilter/pred.js';
import type { RuleContext, RuleStep } from '../../../../src/netfilter/xtables/extension.js';
import type { MatchInstance, Rule, XtRuleset } from '../../../../src/netfilter/xtables/model.js';
import { printRuleSpec } from '../../../../src/netfilter/xtables/print.js';
import { type PktType, Skb } from '../../../../src/packet/skb.js';
import { parsePacketText } from '../../../../src/packet/text.js';
import { CTINFO, type CtInfo, type Dst, IPS, type NetDevice, type NfConn, type RouteType, type SecpathStep } from '../../../../src/packet/types.js';
import { NO_RECORDER } from '../../../../src/trace/event.js';

export interface Outcome {
  readonly line: number;
  readonly text: string;
  readonly wanted: string;
  readonly got: string;
}

const device = (name: string, group = 0): NetDevice => ({
  name,
  ifindex: 1 + name.length + name.charCodeAt(name.length - 1),
  kind: '',
  linkType: name === 'lo' ? 'loopback' : name.startsWith('tun') ? 'none' : 'ether',
  mac: 0,
  mtu: 1500,
  up: true,
  carrier: true,
  loopback: name === 'lo',
  noarp: false,
  pointToPoint: false,
  promisc: false,
  master: null,
  group,
});

/** The world of the tables: 10.0.0.1 and 127/8 are ours, 10/8 is behind eth0, 20/8 behind eth1, nothing else has a route. */
function addrType(a: Addr): RouteType {
  if (typeof a === 'string') return a === '\u2001\u0db8\0\0\0\0\0\u0001' ? 'local' : 'unicast';
  if (a === parseIp4('10.0.0.1') || a >>> 24 === 127) return 'local';
  if (a === 0xffffffff || a === parseIp4('10.255.255.255')) return 'broadcast';
  return a >>> 28 === 14 ? 'multicast' : 'unicast';
}

function fib(q: FibQuery): FibAnswer {
  const type = addrType(q.dst);
  const v6 = typeof q.dst === 'string';
  const name =
    type === 'local'
      ? 'lo'
      : v6
        ? inPrefix(q.dst, '\u2001\u0db8\0\0\0\0\0\0', 32)
          ? 'eth0'
          : null
        : q.dst === null
          ? null
          : { 10: 'eth0', 20: 'eth1' }[(q.dst as number) >>> 24];
  const dev = name ? device(name) : null;
  const errno = dev && (q.oif === null || q.oif.name === dev.name) ? 0 : 113;
  return { errno, type: errno === 0 ? type : 'unreachable', dev, devs: dev ? [dev] : [], gateway: null, realm: 0 };
}

class Inconclusive extends Error {}

/** Only what matches ask. The set `foo` has 10.0.0.9 in it, for one direction; random choices come out as 0.25 of what was asked. */
function makeEnv(clock: { now: number }): Env {
  const states = new Map<object | string, unknown>();
  return {
    node: 'n',
    rec: NO_RECORDER,
    choose: { port: (min: number) => min, below: (bound: number) => Math.floor(bound / 4) },
    sets: {
      test: (_set: string, c: PacketCtx, o: { dirs: readonly boolean[] }) => ({
        hit: o.dirs.length === 1 && (o.dirs[0] ? c.skb.saddr : c.skb.daddr) === parseIp4('10.0.0.9'),
        member: '',
      }),
      describe: (name: string) => (name === 'foo' ? { type: 'hash:ip', dimensions: 1, family: 'ipv4' } : undefined),
    },
    ct: { countConnections: () => 3 },
    now: () => clock.now,
    addrType: (_f: string, a: Addr, dev: NetDevice | null) => (dev && dev.name !== 'eth0' && addrType(a) === 'local' ? 'unicast' : addrType(a)),
    fib,
    socket: ({ dport }: SocketQuery) => (dport === 80 ? { ...SOCKET, boundAny: false } : dport === 81 ? { ...SOCKET, boundAny: true } : null),
    state<T>(key: object | string, make: () => T): T {
      if (!states.has(key)) states.set(key, make());
      return states.get(key) as T;
    },
    inconclusive: (what: string) => {
      throw new Inconclusive(what);
    },
  } as unknown as Env;
}

const SOCKET = {
  id: 's',
  family: 'ipv4',
  proto: 6,
  uid: 1000,
  gid: 1000,
  groups: [27],
  mark: 9,
  priority: 0,
  boundDev: null,
  transparent: false,
  full: true,
  cgroupPath: '/a/b',
  classid: 5,
} as const;

const CT_INFO = new Map<string, CtInfo>([
  ['NEW', CTINFO.NEW],
  ['ESTABLISHED', CTINFO.ESTABLISHED],
  ['RELATED', CTINFO.RELATED],
  ['REPLY', CTINFO.ESTABLISHED_REPLY],
]);

function connection(skb: Skb): NfConn {
  const orig = { family: skb.family, src: skb.saddr, dst: skb.daddr, proto: skb.l4proto, sport: Math.max(0, skb.sport), dport: Math.max(0, skb.dport) };
  const reply = { ...orig, src: orig.dst, dst: orig.src, sport: orig.dport, dport: orig.sport };
  const rest = { secmark: 0, proto: null, helper: null, masqIndex: 0, labels: 0n, inTable: false, template: false };
  return {
    id: 1,
    orig,
    reply,
    status: IPS.CONFIRMED,
    mark: 0,
    zone: { id: 0, dir: 'both' },
    expires: 60_000,
    master: null,
    acct: { packets: [3, 2], bytes: [300, 100] },
    ...rest,
  };
}

function applyCt(skb: Skb, words: string): void {
  for (const w of words.split(',')) {
    if (w === 'UNTRACKED') skb.ctinfo = CTINFO.UNTRACKED;
    else {
      skb.ct ??= connection(skb);
      const info = CT_INFO.get(w);
      if (info !== undefined) skb.ctinfo = info;
      else if (w === 'SNAT') skb.ct.status |= IPS.SRC_NAT;
      else if (w === 'DNAT') skb.ct.status |= IPS.DST_NAT;
      else if (w.startsWith('helper=')) skb.ct.master = { ...connection(skb), helper: w.slice(7) };
      else throw new Error(`unknown ct word ${w}`);
    }
  }
}

function transformation(text: string): SecpathStep {
  const [proto, mode, src, dst, spi, reqid] = text.split('/');
  return { proto: Number(proto), mode: mode as 'tunnel', src: parseIp4(src)!, dst: parseIp4(dst)!, spi: Number(spi), reqid: Number(reqid), state: null };
}

function makeCtx(text: string, env: Env, clock: { now: number }): PacketCtx {
  const [packet, meta = ''] = text.split(';');
  const parsed = parsePacketText(packet.trim(), { file: 't', line: 1, column: 1 });
  if (!parsed.value) throw new Error(`${packet}: ${parsed.diagnostics[0].message}`);
  const v6 = parsed.value[0] >>> 4 === 6;
  const skb = new Skb(1, { kind: 'sent', of: null }, parsed.value, v6 ? 0x86dd : 0x0800);
  let inDev: NetDevice | null = device('eth0');
  let outDev: NetDevice | null = null;
  const words = meta.trim().split(/\s+/).filter(Boolean);
  let mac = 0;
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1];
    if (words[i] === 'in') inDev = value === '-' ? null : device(value);
    else if (words[i] === 'out') outDev = device(value, 5);
    else if (words[i] === 'mark') skb.mark = Number(value);
    else if (words[i] === 'ctmark') (skb.ct ??= connection(skb)).mark = Number(value);
    else if (words[i] === 'uid') skb.sk = { ...SOCKET, uid: Number(value) };
    else if (words[i] === 'gid') skb.sk = { ...SOCKET, gid: Number(value) };
    else if (words[i] === 'mac') mac = parseMac(value)!;
    else if (words[i] === 'pkttype') skb.pktType = value as PktType;
    else if (words[i] === 'at') clock.now = Number(value);
    else if (words[i] === 'ct') applyCt(skb, value);
    else if (words[i] === 'secpath') skb.secpath = [...(skb.secpath ?? []), transformation(value)];
    else if (words[i] === 'bundle') skb.dst = { xfrm: { states: [transformation(value)] } } as unknown as Dst;
    else if (words[i] === 'physin' || words[i] === 'physout') {
      skb.nfBridge ??= {
        physindev: device('p0'),
        physoutdev: null,
        pktOtherhost: false,
        inPrerouting: false,
        savedSrcMac: null,
        encapLen: 0,
        fragMaxSize: 0,
        daddr: null,
        sabotageIn: false,
      };
      if (words[i] === 'physin') skb.nfBridge.physindev = device(value);
      else skb.nfBridge.physoutdev = device(value);
    } else throw new Error(`unknown meta word ${words[i]}`);
  }
  skb.dev = inDev ?? outDev;
  skb.eth = { dst: 0, src: mac };
  return { skb, family: v6 ? 'ipv6' : 'ipv4', hook: inDev ? 'INPUT' : 'OUTPUT', in: inDev, out: outDev, env, rule: null, hotdrop: false };
}

function runSteps(steps: readonly RuleStep[], c: PacketCtx): '+' | '-' | 'x' | '?' {
  try {
    for (const s of steps) {
      const yes = s.kind === 'stateful' ? s.test(c) : testPred(s.pred, c);
      if (s.kind === 'hotdrop' ? yes : !yes) return s.kind === 'hotdrop' ? 'x' : '-';
    }
    return '+';
  } catch (e) {
    if (e instanceof Inconclusive) return '?';
    throw e;
  }
}

const lastRule = (r: XtRuleset, chain: string): Rule => {
  const rules = r.tables.at(-1)!.chains.find((c) => c.name === chain)!.rules;
  return rules.at(rules.length - 1);
};

/** Every line's outcome; a table is right when all are as wanted. */
export function runTable(text: string): Outcome[] {
  const outcomes: Outcome[] = [];
  let family: 'ipv4' | 'ipv6' = 'ipv4';
  let table = 'filter';
  let chains = ['INPUT'];
  let steps: readonly RuleStep[] | null = null;
  let clock = { now: 0 };
  let env = makeEnv(clock);
  text.split('\n').forEach((raw, i) => {
    const line = raw.trim();
    const report = (wanted: string, got: string) => outcomes.push({ line: i + 1, text: line, wanted, got });
    if (line === '' || line.startsWith('#')) return;
    if (line.startsWith(':')) chains = line.slice(1).split(',');
    else if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith('family ')) family = line.slice(7) as 'ipv4' | 'ipv6';
    else if (/^[-+x?] /.test(line)) {
      if (!steps) throw new Error(`line ${i + 1}: a packet without a rule`);
      report(line[0], runSteps(steps, makeCtx(line.slice(2), env, clock)));
    } else {
      const [rule, print, ok] = line.split(/\s+;\s*|;\s+/);
      steps = null;
      for (const chain of chains) {
        const p = readIptablesSave(`*${table}\n-A ${chain} ${rule}\nCOMMIT\n`, { file: 't', family, unknown: 'refuse', sets: { describe: env.sets.describe } });
        if (hasErrors(p.diagnostics)) {
          report(ok, ok === 'FAIL' ? 'FAIL' : `FAIL ${p.diagnostics[0].message}`);
          continue;
        }
        const parsed = lastRule(p.value, chain);
        report(ok === 'FAIL' ? 'FAIL' : print === '=' ? rule : print, printRuleSpec(parsed, { family, table }).trim());
        const ctx: RuleContext = { family, table, proto: parsed.proto?.value ?? 0, protoInverted: parsed.proto?.invert ?? false };
        steps = parsed.matches.flatMap((m) => (m as MatchInstance).def.lower(m.def ? m.data : null, ctx));
        clock = { now: 0 };
        env = makeEnv(clock);
      }
    }
  });
  return outcomes;
}
