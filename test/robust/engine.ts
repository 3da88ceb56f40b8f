/** Runs for the laws of the engine: nodes from the recorded cases or from drawn parts, packets of any bytes, and what must hold of every run. */
import fc from 'fast-check';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import { hexBytes } from '../../src/harness/conformance/hex.js';
import type { XtRuleset } from '../../src/netfilter/xtables/model.js';
import { foldChecksum, pseudoSum, sum16 } from '../../src/packet/checksum.js';
import { findTransport } from '../../src/packet/ip6.js';
import type { NodeState, Wire } from '../../src/scenario/model.js';
import { nodeFromCorpus } from '../../src/scenario/node.js';
import { Network } from '../../src/stack/network.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { type Event, ListRecorder } from '../../src/trace/event.js';
import { localCorpus, readCase } from '../kernel/corpus-files.js';

export interface Seed {
  readonly id: string;
  readonly node: NodeState;
  readonly frames: readonly { readonly dev: string; readonly bytes: Uint8Array }[];
}

/** The recorded cases as nodes and the frames that were put into them. */
export function seeds(every = 1): readonly Seed[] {
  const out: Seed[] = [];
  for (const file of localCorpus()) {
    file.lines.forEach((line, i) => {
      if (i % every !== 0) return;
      const c = readCase(file, line);
      const { value } = nodeFromCorpus(c.links, c.state as never, c.backend, c.family);
      const frames = c.steps.flatMap((s) => (s.kind === 'inject' ? [{ dev: s.dev, bytes: hexBytes(s.frame) }] : []));
      if (frames.length > 0) out.push({ id: c.id, node: value, frames });
    });
  }
  return out;
}

export function deepFreeze<T>(x: T, seen = new Set<unknown>()): T {
  if (typeof x !== 'object' || x === null || ArrayBuffer.isView(x) || seen.has(x)) return x;
  seen.add(x);
  Object.freeze(x);
  for (const k of Reflect.ownKeys(x)) deepFreeze((x as never)[k], seen);
  return x;
}

export interface Injection {
  readonly node: string;
  readonly dev: string;
  readonly bytes: Uint8Array;
}
export interface Run {
  readonly events: readonly Event[];
  readonly net: Network;
}

export function runFrames(nodes: readonly NodeState[], wires: readonly Wire[], frames: readonly Injection[], verbose = false): Run {
  const recorder = new ListRecorder(verbose);
  const net = new Network({ nodes, wires, clock: 0, seed: 1 }, { recorder, makeSockets: scenarioSockets });
  for (const f of frames) {
    const node = net.node(f.node);
    const dev = node?.device(f.dev);
    if (node && dev) net.inject(node, dev, f.bytes);
  }
  return { events: recorder.events, net };
}

/** Bytes of a run, for comparing two. */
export const textOf = (events: readonly Event[]): string =>
  JSON.stringify(events, (_k, v: unknown) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : typeof v === 'bigint' ? `${v}n` : v));

// --- packets ---

type Edit = (b: Uint8Array) => Uint8Array;
const keep: Edit = (b) => b.slice();
const flip =
  (at: number, v: number): Edit =>
  (b) => {
    const c = b.slice();
    if (c.length > 0) c[at % c.length] = v;
    return c;
  };
const flips = (below: number, bytes: fc.Arbitrary<number>): fc.Arbitrary<Edit> =>
  fc
    .array(fc.tuple(fc.integer({ min: 14, max: below }), bytes), { minLength: 1, maxLength: 3 })
    .map((list) => (b: Uint8Array) => list.reduce((c, [at, v]) => flip(at, v)(c), b));
const typed =
  (type: number): Edit =>
  (b) =>
    flip(13, type & 255)(flip(12, type >>> 8)(b));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(keep) },
  { weight: 6, arbitrary: flips(75, fc.nat(255)) },
  // Protocol, fragment bits, TTL, options: where one byte decides the way.
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(0x45, 0x46, 0x4f, 0x60), fc.nat(255)).map(
      ([v, p]): Edit =>
        (b) =>
          flip(23, p)(flip(14, v)(b)),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(0x3f), fc.nat(255)).map(
      ([hi, lo]): Edit =>
        (b) =>
          flip(21, lo)(flip(20, hi)(b)),
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 2).map((ttl) => flip(22, ttl)) },
  {
    weight: 2,
    arbitrary: fc.nat(2000).map(
      (n): Edit =>
        (b) =>
          b.slice(0, n % (b.length + 1)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.uint8Array({ maxLength: 80 }).map(
      (tail): Edit =>
        (b) =>
          new Uint8Array([...b.subarray(0, 14), ...tail]),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 80 }).map(
      (tail): Edit =>
        (b) =>
          new Uint8Array([...b, ...tail]),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(0x86dd, 0x0800, 0x0806, 0x8100, 0x88a8, 0x88cc, 0x0004, 0x8847, 0xffff).map(typed) },
  {
    weight: 1,
    arbitrary: fc.nat(0xffff).map(
      (tag): Edit =>
        (b) =>
          new Uint8Array([...b.subarray(0, 12), 0x81, 0, tag >>> 8, tag & 255, ...b.subarray(12)]),
    ),
  },
);

/** A frame with some of it lost, flipped, doubled or cut; or arbitrary bytes behind a link header that reaches the node. */
export const spoilt = (frames: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> => fc.tuple(fc.constantFrom(...frames), edit).map(([f, e]) => e(f));

/** IPv4 header checksum put right again, so that spoilt packets get further than the first check. */
export function mended(frame: Uint8Array): Uint8Array {
  const b = frame.slice();
  if (b.length < 34 || b[12] !== 8 || b[13] !== 0) return b;
  const hl = (b[14] & 15) * 4;
  if (hl < 20 || 14 + hl > b.length) return b;
  b[24] = 0;
  b[25] = 0;
  const sum = foldChecksum(sum16(b, 14, 14 + hl));
  b[24] = sum >>> 8;
  b[25] = sum & 255;
  return b;
}

// --- rules ---

const MATCHES =
  `-p tcp|-p udp|-p icmp|-p sctp|! -p tcp|-p tcp --dport 80|-p tcp --sport 1:1023|-p tcp --tcp-flags SYN,ACK SYN|-p udp --dport 53|-p icmp --icmp-type 8
-p tcp -m tcp --tcp-option 2|-p sctp -m sctp --chunk-types any INIT|-p dccp -m dccp --dport 5|-p esp -m esp --espspi 0:9|-p ah -m ah --ahspi 5|-s 10.0.0.0/8|! -d 192.168.0.0/16|-i eth0|! -o lo
-f|! -f|-m addrtype --src-type LOCAL|-m addrtype --dst-type LOCAL --limit-iface-in|-m comment --comment x|-m connbytes --connbytes 5:10 --connbytes-dir both --connbytes-mode packets|-m connlimit --connlimit-above 1
-m connmark --mark 1/3|-m conntrack --ctstate NEW,INVALID|-m conntrack --ctstate DNAT|-m state --state RELATED,ESTABLISHED|-m dscp --dscp 4|-m ecn --ecn-ip-ect 1|-m iprange --src-range 10.0.0.1-10.0.0.9
-m length --length 0:99|-m limit --limit 3/min|-m hashlimit --hashlimit-name h --hashlimit-above 1/sec --hashlimit-mode srcip|-m mac --mac-source 02:00:00:00:00:01|-m mark --mark 5/7|-p tcp -m multiport --ports 1:99,443
-m owner --uid-owner 0|-m physdev --physdev-in eth0|-m physdev --physdev-is-bridged|-m pkttype --pkt-type broadcast|-m policy --dir in --pol none|-m recent --name r --set|-m recent --name r --rcheck --hitcount 2
-m rpfilter|-m rpfilter --loose --invert|-m socket|-m statistic --mode nth --every 2|-m statistic --mode random --probability 0.5|-m string --algo bm --string a|-p tcp -m tcpmss --mss 0:1460|-m time --timestart 00:00 --timestop 12:00
-m tos --tos 0x10/0xff|-m ttl --ttl-lt 5|-m u32 --u32 0>>22&0x3C@0>>16=0:65535|-m realm --realm 1|-m devgroup --src-group 0|-m bpf --bytecode 1,6 0 0 65535|-m quota --quota 100|-m cpu --cpu 0|-m helper --helper ftp
-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1|-m connlabel --label 1|-m set --match-set s src|-m set --match-set n dst,dst|`
    .replace(/\n/g, '|')
    .split('|');

const TARGETS =
  `ACCEPT|DROP|RETURN|LOG --log-prefix x --log-level 4|NFLOG --nflog-group 1|MARK --set-xmark 0x1/0xff|CONNMARK --save-mark|CONNMARK --restore-mark|TTL --ttl-dec 1|TTL --ttl-set 1|DSCP --set-dscp 4|TOS --set-tos 0x10/0xff
ECN --ecn-tcp-remove|TCPMSS --set-mss 600|TCPMSS --clamp-mss-to-pmtu|TCPOPTSTRIP --strip-options 2,4|REJECT|REJECT --reject-with tcp-reset|REJECT --reject-with icmp-host-prohibited|NOTRACK|CT --notrack|CT --zone 5|TRACE|TEE --gateway 10.0.0.9
SNAT --to-source 10.9.9.1-10.9.9.3|SNAT --to-source 10.9.9.1:1-9|DNAT --to-destination 10.0.0.2|DNAT --to-destination 127.0.0.1:80|MASQUERADE|MASQUERADE --random|REDIRECT --to-ports 1-9|NETMAP --to 10.7.0.0/16|TPROXY --on-port 5 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
CLASSIFY --set-class 1:2|CHECKSUM --checksum-fill|SET --add-set s src|SET --del-set s src|HL --hl-dec 1|c0|c1|c2|c3|`
    .replace(/\n/g, '|')
    .split('|');

const BUILTIN = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const;
type Table = keyof typeof BUILTIN;

const rule = fc.record({
  table: fc.constantFrom<Table>('raw', 'mangle', 'nat', 'filter'),
  chain: fc.nat(8),
  matches: fc.array(fc.constantFrom(...MATCHES), { maxLength: 2 }),
  target: fc.constantFrom(...TARGETS),
  go: fc.boolean(),
});

/** Rules as the reader takes them: each alone is tried first, so that what the tool refuses is not there; a chain may only go on to a later one. */
export const rulesets: fc.Arbitrary<XtRuleset> = fc.array(rule, { minLength: 1, maxLength: 25 }).map((rules) => {
  const texts = new Map<Table, string[]>();
  const head = (t: Table): string => `*${t}\n${BUILTIN[t].map((c) => `:${c} ACCEPT [0:0]\n`).join('')}${[0, 1, 2, 3].map((i) => `:c${i} - [0:0]\n`).join('')}`;
  for (const r of rules) {
    const chains = [...BUILTIN[r.table], 'c0', 'c1', 'c2', 'c3'];
    const chain = chains[r.chain % chains.length];
    if (/^c\d$/.test(chain) && /^c\d$/.test(r.target) && r.target <= chain) continue;
    const jump = r.target === '' ? '' : ` ${/^c\d$/.test(r.target) && r.go ? '-g' : '-j'} ${r.target}`;
    const line = `-A ${chain} ${r.matches.filter((m) => m !== '').join(' ')}${jump}\n`;
    const before = texts.get(r.table) ?? [];
    const { diagnostics } = readIptablesSave(`${head(r.table)}${[...before, line].join('')}COMMIT\n`, { file: 'r', family: 'ipv4', unknown: 'refuse' });
    if (diagnostics.length === 0) texts.set(r.table, [...before, line]);
  }
  const text = [...texts].map(([t, lines]) => `${head(t)}${lines.join('')}COMMIT\n`).join('');
  return readIptablesSave(text, { file: 'r', family: 'ipv4' }).value;
});

// --- laws ---

/** What becomes of a packet, in the end. */
const WAITS = 'waits';
const FATES: ReadonlySet<string> = new Set(['emit', 'drop', 'deliver', 'consume', 'inconclusive']);

/**
 * How each skb ended, in order of events. A packet that waits (for a neighbour, for its other fragments) has that as its fate until another follows:
 * the wait is then no end. An skb that was made and never ended has none.
 */
export function fates(events: readonly Event[]): ReadonlyMap<number, readonly string[]> {
  const out = new Map<number, string[]>();
  for (const e of events) {
    const waits = (e.t === 'neigh' && e.state === 'incomplete') || (e.t === 'consume' && e.why === 'held');
    const before = out.get(e.skb);
    if (before && before.at(-1) === WAITS && (waits || FATES.has(e.t))) before.pop();
    if (waits && before) {
      before.push(WAITS);
      continue;
    }
    if (e.t === 'skb' && !out.has(e.skb)) out.set(e.skb, []);
    if (e.skb !== 0 && FATES.has(e.t)) {
      const what = e.t === 'consume' ? `consume ${e.why}` : e.t === 'drop' ? `drop ${e.cause}` : e.t;
      const list = out.get(e.skb);
      if (list) list.push(what);
      else out.set(e.skb, [what]);
    }
  }
  return out;
}

/** What is wrong with the checksums of a frame that is whole: the IPv4 header's, and TCP's, UDP's or ICMP's where the packet is no fragment. Null: nothing. */
export function checksumFault(frame: Uint8Array, linkHeader: boolean): string | null {
  let d = frame;
  if (linkHeader) {
    if (frame.length < 14) return null;
    let at = 12;
    if (((frame[12] << 8) | frame[13]) === 0x8100) at = 16;
    const type = (frame[at] << 8) | frame[at + 1];
    if (type !== 0x0800 && type !== 0x86dd) return null;
    d = frame.subarray(at + 2);
  }
  const v6 = d.length > 0 && d[0] >>> 4 === 6;
  if (v6 ? d.length < 40 : d.length < 20 || d[0] >>> 4 !== 4) return null;
  const hl = v6 ? 40 : (d[0] & 15) * 4;
  if (hl < 20 || hl > d.length) return null;
  if (!v6 && foldChecksum(sum16(d, 0, hl)) !== 0) return 'IPv4 header';
  const total = v6 ? ((d[4] << 8) | d[5]) + 40 : (d[2] << 8) | d[3];
  if (total > d.length || total < hl) return null;
  if (!v6 && (((d[6] << 8) | d[7]) & 0x3fff) !== 0) return null;
  const t = v6 ? findTransport(d) : { proto: d[9], offset: hl, isFragment: false };
  if (t.isFragment || t.offset < 0) return null;
  const th = t.offset;
  const pseudo = pseudoSum(v6 ? d.subarray(8, 24) : d.subarray(12, 16), v6 ? d.subarray(24, 40) : d.subarray(16, 20), t.proto, total - th);
  const bad = (from: number): boolean => foldChecksum(sum16(d, th, total, from)) !== 0;
  if (t.proto === 6 && total - th >= 20) return bad(pseudo) ? 'TCP' : null;
  if (t.proto === 17 && total - th >= 8) return ((d[th + 6] << 8) | d[th + 7]) !== 0 && bad(pseudo) ? 'UDP' : null;
  if (t.proto === 1 && !v6 && total - th >= 8) return bad(0) ? 'ICMP' : null;
  if (t.proto === 58 && v6 && total - th >= 8) return bad(pseudo) ? 'ICMPv6' : null;
  return null;
}
