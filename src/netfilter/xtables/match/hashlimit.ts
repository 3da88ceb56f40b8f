/** `-m hashlimit --hashlimit-upto|-above rate --hashlimit-mode srcip,… --hashlimit-name name`: a token bucket per group of packets. */
import { type Addr, addrBits, type Family, formatAddr, networkOf } from '../../../base/addr.js';
import { IPPROTO } from '../../../packet/skb.js';
import { call, type PacketCtx } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { scanUint } from '../numbers.js';
import { parseRate, shownUnitSeconds, showRate } from '../rate.js';
import { badValue, given, isGiven, prefixLength, uint } from '../values.js';

const MODES = ['srcip', 'srcport', 'dstip', 'dstport'] as const;
type Mode = (typeof MODES)[number];

interface HashlimitMatch {
  readonly upto: boolean;
  /** 'packets': period in 1/1000000 s and packets of burst. 'bytes': the kernel's cost per 16 bytes and how often the bucket is refilled. 'ratematch': as packets or bytes, per interval. */
  readonly unit: 'packets' | 'bytes';
  readonly avg: number;
  readonly burst: number;
  readonly modes: readonly Mode[];
  readonly list: string;
  readonly size: number;
  readonly max: number;
  readonly gcInterval: number;
  readonly expire: number;
  readonly srcmask: number;
  readonly dstmask: number;
  readonly rateMatch: boolean;
  /** Seconds, 0 without --hashlimit-rate-match. */
  readonly interval: number;
}

/** XT_HASHLIMIT_SCALE_v2 */
const SCALE = 1000000;
const PER_MS = SCALE / 1000;
const DEFAULT_BURST = 5;
const MAX_BURST = 1000000;
const GC_INTERVAL = 1000;
const U32 = 0xffffffff;
/** Seconds after which idle entries go: byte mode without and with a burst. */
const BYTE_EXPIRE = 15;
const BYTE_EXPIRE_BURST = 60;

const costToBytes = (cost: number): number => ((cost ? Math.floor(U32 / cost) : U32) - 1) * 16;
const bytesToCost = (bytes: number): number => Math.floor(U32 / ((Math.floor(bytes / 16) % 2 ** 32) + 1));
const factorOf = (letter: string): number => (letter === 'm' ? 1024 * 1024 : letter === 'k' ? 1024 : 1);

interface Avg {
  readonly unit: 'packets' | 'bytes';
  readonly avg: number;
  /** Seconds of the default expiry. */
  readonly seconds: number;
}

function parseAvg(g: Given): Avg {
  const at = g.value.indexOf('b/s');
  const bytes = at > 0 ? Number(/^\s*\+?([0-9]{1,15})/.exec(g.value)?.[1] ?? 0) * factorOf(g.value[at - 1]) : 0;
  if (bytes > 0) {
    const avg = bytesToCost(bytes);
    if (avg === 0) throw new OptionError(`Rate too high "${g.value}"`, g.name);
    return { unit: 'bytes', avg, seconds: BYTE_EXPIRE };
  }
  const rate = parseRate(g.value, SCALE, g.name);
  if (!rate) throw badValue('hashlimit', g.name, g.value);
  return { unit: 'packets', avg: rate.period, seconds: rate.seconds };
}

function parseBurst(g: Given): number {
  const bad = () => new OptionError(`bad value for option "--hashlimit-burst", or out of range (1-${MAX_BURST}).`, g.name);
  const s = scanUint(g.value);
  if (!s || s.value < 1n || s.value > 0xffffffffffffn || (s.rest === '' && s.value > BigInt(MAX_BURST))) throw bad();
  return Number(s.value) * factorOf(s.rest[0] ?? '');
}

function parseModes(g: Given | undefined): readonly Mode[] {
  if (!g) return [];
  const words = g.value.split(/[,|]/).filter((w) => w !== '');
  if (words.some((w) => !MODES.includes(w as Mode))) throw badValue('hashlimit', g.name, g.value);
  return MODES.filter((m) => words.includes(m));
}

/** In byte mode the burst says how often an empty bucket is filled up at once. */
function byteBurst(burst: number | null, avg: number): number {
  if (burst === null) return 0;
  const bytes = costToBytes(avg);
  if (burst < bytes) throw new OptionError(`burst cannot be smaller than ${bytes}b`, 'hashlimit-burst');
  return Math.floor(burst / bytes) + (burst % bytes ? 1 : 0);
}

function parse(gs: readonly Given[], family: Family): HashlimitMatch {
  const g = given(gs, 'hashlimit-upto') ?? given(gs, 'hashlimit-above');
  if (!g) throw new OptionError('You have to specify --hashlimit');
  const avg = parseAvg(g);
  const number = (name: string, or: number) => (isGiven(gs, name) ? uint('hashlimit', given(gs, name)!) : or);
  const len = (name: string) => (isGiven(gs, name) ? prefixLength('hashlimit', name, given(gs, name)!.value, family) : addrBits(family));
  const b = given(gs, 'hashlimit-burst');
  const burst = b ? parseBurst(b) : null;
  const rateMatch = isGiven(gs, 'hashlimit-rate-match');
  if (avg.unit === 'packets' && (burst ?? 0) > MAX_BURST)
    throw new OptionError(`bad value for option "--hashlimit-burst", or out of range (1-${MAX_BURST}).`, 'hashlimit-burst');
  const list = given(gs, 'hashlimit-name')!.value;
  if (list === '') throw new OptionError('Argument must have a minimum length of 1 characters', 'hashlimit-name');
  return {
    upto: (g.name === 'hashlimit-upto') !== g.invert,
    unit: avg.unit,
    avg: avg.avg,
    burst: avg.unit === 'bytes' ? byteBurst(burst, avg.avg) : (burst ?? DEFAULT_BURST),
    modes: parseModes(given(gs, 'hashlimit-mode')),
    list,
    size: number('hashlimit-htable-size', 0),
    max: number('hashlimit-htable-max', 0),
    gcInterval: number('hashlimit-htable-gcinterval', GC_INTERVAL),
    expire: number('hashlimit-htable-expire', (avg.unit === 'bytes' && burst !== null ? BYTE_EXPIRE_BURST : avg.seconds) * 1000),
    srcmask: len('hashlimit-srcmask'),
    dstmask: len('hashlimit-dstmask'),
    rateMatch,
    interval: isGiven(gs, 'hashlimit-rate-interval') ? uint('hashlimit', given(gs, 'hashlimit-rate-interval')!) : rateMatch ? 1 : 0,
  };
}

const UNITS = [
  ['m', 1024 * 1024],
  ['k', 1024],
  ['', 1],
] as const;

/** Rate and burst, and the expiry in ms that goes with them unsaid. */
function showAvg(d: HashlimitMatch): { text: string; expire: number } {
  if (d.unit === 'packets') return { text: `${showRate(d.avg, SCALE)} --hashlimit-burst ${d.burst}`, expire: shownUnitSeconds(d.avg, SCALE) * 1000 };
  const bytes = costToBytes(d.avg);
  const [name, factor] = UNITS.find(([, f]) => f === 1 || (bytes >= f && bytesToCost(bytes - (bytes % f)) === d.avg))!;
  const text = `${Math.floor(bytes / factor)}${name}b/s`;
  if (d.burst === 0) return { text, expire: BYTE_EXPIRE * 1000 };
  const total = bytes * d.burst;
  const [bn, bf] = UNITS.find(([, f]) => f === 1 || total >= f)!;
  return { text: `${text} --hashlimit-burst ${Math.floor(total / bf)}${bn}b`, expire: BYTE_EXPIRE_BURST * 1000 };
}

function print(d: HashlimitMatch, family: Family): string {
  const avg = showAvg(d);
  const full = addrBits(family);
  return (
    ` --hashlimit-${d.upto ? 'upto' : 'above'} ${avg.text}` +
    (d.modes.length > 0 ? ` --hashlimit-mode ${d.modes.join(',')}` : '') +
    ` --hashlimit-name ${d.list}` +
    (d.size ? ` --hashlimit-htable-size ${d.size}` : '') +
    (d.max ? ` --hashlimit-htable-max ${d.max}` : '') +
    (d.gcInterval !== GC_INTERVAL ? ` --hashlimit-htable-gcinterval ${d.gcInterval}` : '') +
    (d.expire !== avg.expire ? ` --hashlimit-htable-expire ${d.expire}` : '') +
    (d.srcmask !== full ? ` --hashlimit-srcmask ${d.srcmask}` : '') +
    (d.dstmask !== full ? ` --hashlimit-dstmask ${d.dstmask}` : '') +
    (d.rateMatch ? ' --hashlimit-rate-match' : '') +
    (d.rateMatch && d.interval !== 1 ? ` --hashlimit-rate-interval ${d.interval}` : '')
  );
}

/** HZ * CREDITS_PER_JIFFY, for HZ of 250 and of 1000. */
const CREDITS_PER_SECOND = 250n << 39n;
/** user2credits(), in 64 bits. */
const credits = (t: number): bigint => BigInt.asUintN(64, BigInt(t) * (CREDITS_PER_SECOND / BigInt(SCALE)));

/** hashlimit_mt_check_common() */
function check(d: HashlimitMatch, _: CheckContext): void {
  if (d.gcInterval === 0 || d.expire === 0) throw new OptionError('expiry and interval must not be 0');
  if (d.unit === 'packets' && !d.rateMatch && (d.burst === 0 || credits(d.avg * d.burst) < credits(d.avg)))
    throw new OptionError(`overflow, try lower: ${d.avg}/${d.burst}`, 'hashlimit-burst');
  if (d.rateMatch && d.interval === 0) throw new OptionError('invalid interval', 'hashlimit-rate-interval');
  if (d.list.includes('/') || d.list === '.' || d.list === '..') throw new OptionError(`bad table name "${d.list}"`, 'hashlimit-name');
}

/** Protocols whose headers start with two ports (proto_ports_offset); AH has them behind its first word. */
const PORT_OFFSET = new Map<number, number>([
  [IPPROTO.DCCP, 0],
  [IPPROTO.ESP, 0],
  [IPPROTO.SCTP, 0],
  [IPPROTO.TCP, 0],
  [IPPROTO.UDP, 0],
  [IPPROTO.UDPLITE, 0],
  [IPPROTO.AH, 4],
]);

/** hashlimit_init_dst(): what the packet is counted under; null where its ports cannot be read, which drops it. */
function groupOf(d: HashlimitMatch, c: PacketCtx): string | null {
  const addr = (a: Addr, len: number) => formatAddr(networkOf(a, len));
  const parts: string[] = [];
  if (d.modes.includes('srcip')) parts.push(`s${addr(c.skb.saddr, d.srcmask)}`);
  if (d.modes.includes('dstip')) parts.push(`d${addr(c.skb.daddr, d.dstmask)}`);
  if (!d.modes.includes('srcport') && !d.modes.includes('dstport')) return parts.join();
  const offset = PORT_OFFSET.get(c.skb.l4proto);
  if (offset === undefined) return `${parts.join()},0,0`;
  const at = c.skb.thoff + offset;
  if (c.skb.thoff < 0 || at + 4 > c.skb.data.length) return null;
  if (d.modes.includes('srcport')) parts.push(`sp${c.skb.u16(at)}`);
  if (d.modes.includes('dstport')) parts.push(`dp${c.skb.u16(at + 2)}`);
  return parts.join();
}

interface Bucket {
  credit: number;
  refills: number;
  at: number;
  expires: number;
}

/** CREDITS_PER_JIFFY_BYTES * HZ: 2^32 of credit a second, at most one second's worth. */
const BYTE_CREDIT = 2 ** 32;

/** hashlimit_mt_common() without rate matching: true while the group is within its limit. */
function within(d: HashlimitMatch, c: PacketCtx, group: string): boolean {
  const now = c.env.now();
  const table = c.env.state(`hashlimit:${c.family}:${d.list}`, () => ({ cfg: d, groups: new Map<string, Bucket>() }));
  const cfg = table.cfg;
  const cap = cfg.unit === 'bytes' ? BYTE_CREDIT : cfg.avg * cfg.burst;
  let b = table.groups.get(group);
  if (!b || now >= b.expires) {
    b = { credit: cap, refills: cfg.burst, at: now, expires: 0 };
    table.groups.set(group, b);
  }
  b.credit = Math.min(cap, b.credit + (now - b.at) * (cfg.unit === 'bytes' ? BYTE_CREDIT / 1000 : PER_MS));
  b.at = now;
  b.expires = now + cfg.expire;
  const cost = d.unit === 'bytes' ? byteCost(b, cfg, c.skb.totLen) : cfg.avg;
  if (b.credit < cost) return false;
  b.credit -= cost;
  return true;
}

/** hashlimit_byte_cost(): in chunks of 16 bytes, with what is left of the burst filling the bucket up. */
function byteCost(b: Bucket, cfg: HashlimitMatch, bytes: number): number {
  const cost = Math.min(BYTE_CREDIT, (Math.floor(bytes / 16) + 1) * cfg.avg);
  if (b.credit < cost && b.refills > 0) {
    b.refills--;
    b.credit = BYTE_CREDIT;
  }
  return cost;
}

export const hashlimit: MatchDef<HashlimitMatch> = {
  name: 'hashlimit',
  kernel: 'net/netfilter/xt_hashlimit.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'hashlimit-upto', arg: 'required', invert: true, excl: ['hashlimit-above'] },
    { name: 'hashlimit-above', arg: 'required', invert: true, excl: ['hashlimit-upto'] },
    { name: 'hashlimit', arg: 'required', invert: true, alias: 'hashlimit-upto' },
    { name: 'hashlimit-srcmask', arg: 'required' },
    { name: 'hashlimit-dstmask', arg: 'required' },
    { name: 'hashlimit-burst', arg: 'required' },
    { name: 'hashlimit-htable-size', arg: 'required' },
    { name: 'hashlimit-htable-max', arg: 'required' },
    { name: 'hashlimit-htable-gcinterval', arg: 'required' },
    { name: 'hashlimit-htable-expire', arg: 'required' },
    { name: 'hashlimit-mode', arg: 'required' },
    { name: 'hashlimit-name', arg: 'required', mandatory: true },
    { name: 'hashlimit-rate-match', arg: 'none' },
    { name: 'hashlimit-rate-interval', arg: 'required' },
  ],
  parse: (gs, ctx) => parse(gs, ctx.family),
  print: (d, ctx) => print(d, ctx.family),
  check,
  lower: (d) => [
    { kind: 'hotdrop', pred: call('ports', [], (c) => groupOf(d, c) === null, 'ports that cannot be read') },
    {
      kind: 'stateful',
      name: `hashlimit ${d.list}`,
      test: (c) => (d.rateMatch ? c.env.inconclusive('hashlimit --hashlimit-rate-match', c) : within(d, c, groupOf(d, c) ?? '') === d.upto),
      show: `${d.upto ? 'up to' : 'above'} ${showAvg(d).text}`,
    },
  ],
};
