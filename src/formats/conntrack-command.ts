/** The words of conntrack(8) 1.4.7: `-L -D -I -A -U -G -F -C` on the connection table, with the tool's own demands on them. */
import { type Addr, addrBits, type Family, familyOf, parseAddr, prefixMask } from '../base/addr.js';
import type { Reporter } from '../base/diagnostic.js';
import type { CtEntry } from '../netfilter/conntrack/entry.js';
import { SCTP_STATE_NAMES } from '../netfilter/conntrack/sctp.js';
import { ANY_ENTRY, type CtSelect, type MaskedAddr, type NatSelect } from '../netfilter/conntrack/select.js';
import { DEFAULT_ZONE, type Zone } from '../netfilter/conntrack/table.js';
import { TCP_STATE_NAMES } from '../netfilter/conntrack/tcp-states.js';
import { hasPorts, invertTuple } from '../netfilter/conntrack/tuple.js';
import { IPPROTO } from '../packet/skb.js';
import { IPS, type Tuple } from '../packet/types.js';
import type { ConntrackStyle } from './conntrack.js';
import { parseNumber, type Word } from './tokens.js';

export type ConntrackOp = 'list' | 'get' | 'delete' | 'create' | 'add' | 'update' | 'flush' | 'count';
export interface ConntrackCommand {
  readonly op: ConntrackOp;
  readonly select: CtSelect;
  readonly style: ConntrackStyle;
  /** `-I`, `-A`: what to put in. */
  readonly create: CtEntry | null;
  /** `-U`: new mark (old & ~mask ^ value), time-out in seconds, status bits to add. */
  readonly update: { readonly mark: { readonly value: number; readonly mask: number } | null; readonly timeout: number | null; readonly status: number };
}

const OPS = new Map<string, ConntrackOp>([
  ['-L', 'list'],
  ['--dump', 'list'],
  ['-G', 'get'],
  ['--get', 'get'],
  ['-D', 'delete'],
  ['--delete', 'delete'],
  ['-I', 'create'],
  ['--create', 'create'],
  ['-A', 'add'],
  ['--add', 'add'],
  ['-U', 'update'],
  ['--update', 'update'],
  ['-F', 'flush'],
  ['--flush', 'flush'],
  ['-C', 'count'],
  ['--count', 'count'],
]);
const PROTOS = new Map<string, number>([
  ['tcp', 6],
  ['udp', 17],
  ['udplite', 136],
  ['sctp', 132],
  ['dccp', 33],
  ['gre', 47],
  ['icmp', 1],
  ['icmpv6', 58],
  ['ipv6-icmp', 58],
  ['igmp', 2],
  ['esp', 50],
  ['ah', 51],
  ['ipip', 94],
  ['ipencap', 4],
  ['ospf', 89],
  ['pim', 103],
  ['vrrp', 112],
]);
const STATUS = new Map<string, number>([
  ['ASSURED', IPS.ASSURED],
  ['SEEN_REPLY', IPS.SEEN_REPLY],
  ['CONFIRMED', IPS.CONFIRMED],
  ['EXPECTED', IPS.EXPECTED],
  ['SRC_NAT', IPS.SRC_NAT],
  ['DST_NAT', IPS.DST_NAT],
  ['FIXED_TIMEOUT', IPS.FIXED_TIMEOUT],
  ['UNSET', 0],
]);

/** Everything the words said, before it is made sense of. */
interface Draft {
  op: ConntrackOp | null;
  family: Family | null;
  proto: number | null;
  readonly addr: Map<AddrKey, MaskedAddr>;
  readonly mask: Map<'src' | 'dst', Addr>;
  readonly number: Map<NumberKey, number>;
  state: string | null;
  status: number | null;
  mark: { value: number; mask: number } | null;
  readonly nat: Map<'srcNat' | 'dstNat' | 'anyNat', NatSelect>;
  style: ConntrackStyle;
}
type AddrKey = 'src' | 'dst' | 'replySrc' | 'replyDst';
type NumberKey = 'sport' | 'dport' | 'replySport' | 'replyDport' | 'icmpType' | 'icmpCode' | 'icmpId' | 'timeout' | 'zone' | 'origZone' | 'replyZone';

/** Sets a field from an option's value; a text says what was expected instead. */
type Take = (d: Draft, value: string) => string | null;

const takeFamily = (d: Draft, f: Family): string | null => {
  if (d.family !== null && d.family !== f) return `an ${d.family === 'ipv4' ? 'IPv4' : 'IPv6'} address like the others`;
  d.family = f;
  return null;
};
const address = (key: AddrKey): Take => (d, value) => {
  const [text, len, extra] = value.split('/');
  const addr = parseAddr(text);
  if (addr === null || extra !== undefined) return 'an address, ADDR or ADDR/LEN';
  const bits = len === undefined ? addrBits(familyOf(addr)) : parseNumber(len);
  if (bits === null || bits > addrBits(familyOf(addr))) return 'a prefix length behind /';
  d.addr.set(key, { addr, mask: prefixMask(familyOf(addr), bits) });
  return takeFamily(d, familyOf(addr));
};
const addressMask = (key: 'src' | 'dst'): Take => (d, value) => {
  const addr = parseAddr(value);
  if (addr === null) return 'a mask written as an address';
  d.mask.set(key, addr);
  return takeFamily(d, familyOf(addr));
};
const numberOption = (key: NumberKey, max: number): Take => (d, value) => {
  const n = parseNumber(value);
  if (n === null || n > max) return `a number up to ${max}`;
  d.number.set(key, n);
  return null;
};
/** ip, ip:port, [ip6]:port */
const nat = (key: 'srcNat' | 'dstNat' | 'anyNat'): Take => (d, value) => {
  const bracket = /^\[([^\]]*)\]:(\d+)$/.exec(value);
  const plain = /^([\d.]+):(\d+)$/.exec(value);
  const [, text, portText] = bracket ?? plain ?? [null, value, undefined];
  const addr = parseAddr(text ?? '');
  const port = portText === undefined ? null : parseNumber(portText);
  if (addr === null || (portText !== undefined && (port === null || port > 65535)) || (bracket && familyOf(addr) !== 'ipv6')) return 'IP, IP:PORT or [IP6]:PORT';
  d.nat.set(key, { addr, port });
  return takeFamily(d, familyOf(addr));
};

const OPTIONS = new Map<string, Take>([
  ['-s', address('src')],
  ['-d', address('dst')],
  ['-r', address('replySrc')],
  ['-q', address('replyDst')],
  ['--mask-src', addressMask('src')],
  ['--mask-dst', addressMask('dst')],
  ['--sport', numberOption('sport', 65535)],
  ['--dport', numberOption('dport', 65535)],
  ['--reply-port-src', numberOption('replySport', 65535)],
  ['--reply-port-dst', numberOption('replyDport', 65535)],
  ['--icmp-type', numberOption('icmpType', 255)],
  ['--icmp-code', numberOption('icmpCode', 255)],
  ['--icmp-id', numberOption('icmpId', 65535)],
  ['-t', numberOption('timeout', 0xffffffff)],
  ['-w', numberOption('zone', 65535)],
  ['--orig-zone', numberOption('origZone', 65535)],
  ['--reply-zone', numberOption('replyZone', 65535)],
  ['-n', nat('srcNat')],
  ['-g', nat('dstNat')],
  ['-j', nat('anyNat')],
  [
    '-p',
    (d, value) => {
      const n = PROTOS.get(value.toLowerCase()) ?? parseNumber(value);
      if (n === null || n > 255) return 'a protocol name or a number up to 255';
      d.proto = n;
      return null;
    },
  ],
  ['-f', (d, value) => (value === 'ipv4' || value === 'ipv6' ? takeFamily(d, value) : 'ipv4 or ipv6')],
  [
    '-m',
    (d, value) => {
      const [v, m, extra] = value.split('/');
      const n = parseNumber(v);
      const mask = m === undefined ? 0xffffffff : parseNumber(m);
      if (n === null || mask === null || extra !== undefined || n > 0xffffffff || mask > 0xffffffff) return 'MARK or MARK/MASK';
      d.mark = { value: n, mask };
      return null;
    },
  ],
  [
    '-u',
    (d, value) => {
      d.status ??= 0;
      for (const w of value.split(',')) {
        const bit = STATUS.get(w);
        if (bit === undefined) return `some of ${[...STATUS.keys()].join(', ')}`;
        d.status |= bit;
      }
      return null;
    },
  ],
  [
    '--state',
    (d, value) => {
      // The tool's LISTEN is the number that the kernel uses for SYN_SENT2.
      const name = value === 'LISTEN' ? 'SYN_SENT2' : value;
      if (![...TCP_STATE_NAMES, ...SCTP_STATE_NAMES].some((n) => n === name)) return 'a state of TCP or SCTP';
      d.state = name;
      return null;
    },
  ],
  [
    '-o',
    (d, value) => {
      for (const w of value.split(',')) {
        if (w === 'extended') d.style = 'extended';
        else if (w !== 'id' && w !== 'ktimestamp' && w !== 'timestamp' && w !== 'labels') return 'extended (xml and save are not supported)';
      }
      return null;
    },
  ],
]);
const ALIASES = new Map<string, string>([
  ['--src', '-s'],
  ['--orig-src', '-s'],
  ['--dst', '-d'],
  ['--orig-dst', '-d'],
  ['--reply-src', '-r'],
  ['--reply-dst', '-q'],
  ['--protonum', '-p'],
  ['--proto', '-p'],
  ['--family', '-f'],
  ['--timeout', '-t'],
  ['--status', '-u'],
  ['--zone', '-w'],
  ['--mark', '-m'],
  ['--src-nat', '-n'],
  ['--dst-nat', '-g'],
  ['--any-nat', '-j'],
  ['--output', '-o'],
  ['--orig-port-src', '--sport'],
  ['--orig-port-dst', '--dport'],
  ['--reply-sport', '--reply-port-src'],
  ['--reply-dport', '--reply-port-dst'],
]);
/** Their argument may be left out. */
const OPTIONAL = new Map<string, 'srcNat' | 'dstNat' | 'anyNat'>([
  ['-n', 'srcNat'],
  ['-g', 'dstNat'],
  ['-j', 'anyNat'],
]);

/**
 * Reads the words behind `conntrack`. Errors (code `bad-conntrack-command`) point at the word; null then.
 * Only the connection table: expectations are not supported.
 */
export function parseConntrackCommand(words: readonly Word[], reporter: Reporter): ConntrackCommand | null {
  const d: Draft = {
    op: null,
    family: null,
    proto: null,
    addr: new Map(),
    mask: new Map(),
    number: new Map(),
    state: null,
    status: null,
    mark: null,
    nat: new Map(),
    style: 'list',
  };
  const fail = (w: Word | undefined, message: string): null => {
    reporter.error('bad-conntrack-command', message, w?.line ?? 1, w?.column ?? 1, w?.text.length ?? 0, 'see conntrack(8)');
    return null;
  };
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    const op = OPS.get(w.text);
    if (op) {
      if (d.op !== null) return fail(w, 'one command at a time');
      d.op = op;
      if (words[i + 1]?.text === 'conntrack') i++;
      else if (['expect', 'dying', 'unconfirmed'].includes(words[i + 1]?.text)) return fail(words[i + 1], `the table “${words[i + 1].text}” is not supported`);
      continue;
    }
    if (w.text === '-z' || w.text === '--zero') continue;
    const eq = w.text.startsWith('--') ? w.text.indexOf('=') : -1;
    const given = eq < 0 ? w.text : w.text.slice(0, eq);
    const name = ALIASES.get(given) ?? given;
    const take = OPTIONS.get(name);
    if (!take) return fail(w, `“${w.text}” is no option of conntrack`);
    const bare = OPTIONAL.get(name);
    const value = eq >= 0 ? w.text.slice(eq + 1) : words[i + 1]?.text;
    if (bare && eq < 0 && (value === undefined || value.startsWith('-'))) {
      d.nat.set(bare, { addr: null, port: null });
      continue;
    }
    if (value === undefined) return fail(w, `${w.text} needs a value`);
    const wanted = take(d, value);
    if (wanted !== null) return fail(eq >= 0 ? w : words[i + 1], `“${value}” is not ${wanted}`);
    if (eq < 0) i++;
  }
  const problem = finishProblem(d);
  return problem === null ? finish(d) : fail(words[0], problem);
}

/** What the tool demands of the options together. */
function finishProblem(d: Draft): string | null {
  if (d.op === null) return 'a command is missing: -L, -D, -I, -A, -U, -G, -F or -C';
  if (d.nat.has('anyNat') && d.nat.size > 1) return '--any-nat excludes --src-nat and --dst-nat';
  const ports = d.number.has('sport') || d.number.has('dport') || d.number.has('replySport') || d.number.has('replyDport');
  if ((ports || d.state !== null) && d.proto === null) return 'ports and states need -p';
  if (d.op !== 'create' && d.op !== 'add') return null;
  if (d.proto === null) return 'a protocol is needed: -p';
  if (!d.number.has('timeout')) return 'a time-out is needed: -t';
  const orig = d.addr.has('src') && d.addr.has('dst');
  const reply = d.addr.has('replySrc') && d.addr.has('replyDst');
  if (!orig && !reply) return 'source and destination are needed: -s and -d, or -r and -q';
  if (hasPorts(d.proto) && !(d.number.has('sport') && d.number.has('dport')) && !(d.number.has('replySport') && d.number.has('replyDport'))) {
    return 'source and destination port are needed: --sport and --dport';
  }
  if (d.proto === IPPROTO.TCP && d.state === null) return 'a state is needed: --state';
  return isIcmp(d.proto) && !d.number.has('icmpType') ? 'an ICMP type is needed: --icmp-type' : null;
}
const isIcmp = (proto: number | null): boolean => proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6;

function finish(d: Draft): ConntrackCommand {
  const op = d.op ?? 'list';
  const n = (k: NumberKey): number | null => d.number.get(k) ?? null;
  const masked = (key: 'src' | 'dst'): MaskedAddr | null => {
    const given = d.addr.get(key);
    const mask = d.mask.get(key);
    if (!mask) return given ?? null;
    return { addr: given?.addr ?? mask, mask };
  };
  const creating = op === 'create' || op === 'add';
  const select: CtSelect = {
    ...ANY_ENTRY,
    family: d.family,
    proto: d.proto,
    orig: { src: masked('src'), dst: masked('dst'), sport: n('sport'), dport: n('dport') },
    reply: { src: d.addr.get('replySrc') ?? null, dst: d.addr.get('replyDst') ?? null, sport: n('replySport'), dport: n('replyDport') },
    icmp: { type: n('icmpType'), code: n('icmpCode'), id: n('icmpId') },
    state: d.state,
    status: op === 'update' ? 0 : (d.status ?? 0),
    mark: op === 'update' ? null : d.mark,
    zone: n('zone'),
    origZone: n('origZone'),
    replyZone: n('replyZone'),
    srcNat: d.nat.get('srcNat') ?? null,
    dstNat: d.nat.get('dstNat') ?? null,
    anyNat: d.nat.get('anyNat') ?? null,
  };
  return { op, select, style: d.style, create: creating ? entryOfDraft(d) : null, update: { mark: d.mark, timeout: n('timeout'), status: d.status ?? 0 } };
}

/** The entry `-I` makes: the direction not given is the mirror of the other, with the NAT asked for. */
function entryOfDraft(d: Draft): CtEntry {
  const proto = d.proto ?? 0;
  const n = (k: NumberKey): number => d.number.get(k) ?? 0;
  const tuple = (src: Addr, dst: Addr, sport: number, dport: number): Tuple =>
    isIcmp(proto)
      ? { family: familyOf(src), src, dst, proto, sport: n('icmpId'), dport: (n('icmpType') << 8) | n('icmpCode') }
      : { family: familyOf(src), src, dst, proto, sport, dport };
  const mirror = (t: Tuple): Tuple => invertTuple(t) ?? { ...t, src: t.dst, dst: t.src };
  const src = d.addr.get('src')?.addr;
  const dst = d.addr.get('dst')?.addr;
  const replySrc = d.addr.get('replySrc')?.addr;
  const replyDst = d.addr.get('replyDst')?.addr;
  const orig =
    src !== undefined && dst !== undefined
      ? tuple(src, dst, n('sport'), n('dport'))
      : mirror(tuple(replySrc as Addr, replyDst as Addr, n('replySport'), n('replyDport')));
  let reply = mirror(orig);
  if (replySrc !== undefined && replyDst !== undefined && !isIcmp(proto)) {
    reply = { ...reply, src: replySrc, dst: replyDst, sport: d.number.get('replySport') ?? reply.sport, dport: d.number.get('replyDport') ?? reply.dport };
  }
  const s = d.nat.get('srcNat');
  const t = d.nat.get('dstNat');
  if (s?.addr != null) reply = { ...reply, dst: s.addr, dport: s.port ?? reply.dport };
  if (t?.addr != null) reply = { ...reply, src: t.addr, sport: t.port ?? reply.sport };
  const status = d.status ?? 0;
  return {
    orig,
    reply,
    timeout: n('timeout'),
    state: d.state,
    unreplied: !(status & IPS.SEEN_REPLY),
    assured: (status & IPS.ASSURED) !== 0,
    mark: d.mark?.value ?? 0,
    zone: zoneOfDraft(d),
    acct: null,
    secctx: null,
    helper: null,
    use: 1,
  };
}

function zoneOfDraft(d: Draft): Zone {
  for (const [key, dir] of [
    ['zone', 'both'],
    ['origZone', 'orig'],
    ['replyZone', 'reply'],
  ] as const) {
    const id = d.number.get(key);
    if (id !== undefined && id !== 0) return { id, dir };
  }
  return DEFAULT_ZONE;
}
