/** Options of conntrack(8) as data: what each takes and where it puts it. */
import { type Addr, addrBits, type Family, familyOf, parseAddr, prefixMask } from '../base/addr.js';
import { SCTP_STATE_NAMES } from '../netfilter/conntrack/sctp.js';
import type { MaskedAddr, NatSelect } from '../netfilter/conntrack/select.js';
import { TCP_STATE_NAMES } from '../netfilter/conntrack/tcp-states.js';
import { IPS } from '../packet/types.js';
import type { ConntrackStyle } from './conntrack.js';
import { parseNumber } from './tokens.js';

export type ConntrackOp = 'list' | 'get' | 'delete' | 'create' | 'add' | 'update' | 'flush' | 'count';
export const OPS = new Map<string, ConntrackOp>([
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
export interface Draft {
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
export type AddrKey = 'src' | 'dst' | 'replySrc' | 'replyDst';
export type NumberKey = 'sport' | 'dport' | 'replySport' | 'replyDport' | 'icmpType' | 'icmpCode' | 'icmpId' | 'timeout' | 'zone' | 'origZone' | 'replyZone';

/** Sets a field from an option's value; a text says what was expected instead. */
export type Take = (d: Draft, value: string) => string | null;

const takeFamily = (d: Draft, f: Family): string | null => {
  if (d.family !== null && d.family !== f) return `an ${d.family === 'ipv4' ? 'IPv4' : 'IPv6'} address like the others`;
  d.family = f;
  return null;
};
const address =
  (key: AddrKey): Take =>
  (d, value) => {
    const [text, len, extra] = value.split('/');
    const addr = parseAddr(text);
    if (addr === null || extra !== undefined) return 'an address, ADDR or ADDR/LEN';
    const bits = len === undefined ? addrBits(familyOf(addr)) : parseNumber(len);
    if (bits === null || bits > addrBits(familyOf(addr))) return 'a prefix length behind /';
    d.addr.set(key, { addr, mask: prefixMask(familyOf(addr), bits) });
    return takeFamily(d, familyOf(addr));
  };
const addressMask =
  (key: 'src' | 'dst'): Take =>
  (d, value) => {
    const addr = parseAddr(value);
    if (addr === null) return 'a mask written as an address';
    d.mask.set(key, addr);
    return takeFamily(d, familyOf(addr));
  };
const numberOption =
  (key: NumberKey, max: number): Take =>
  (d, value) => {
    const n = parseNumber(value);
    if (n === null || n > max) return `a number up to ${max}`;
    d.number.set(key, n);
    return null;
  };
/** ip, ip:port, [ip6]:port */
const nat =
  (key: 'srcNat' | 'dstNat' | 'anyNat'): Take =>
  (d, value) => {
    const bracket = /^\[([^\]]*)\]:(\d+)$/.exec(value);
    const plain = /^([\d.]+):(\d+)$/.exec(value);
    const [, text, portText] = bracket ?? plain ?? [null, value, undefined];
    const addr = parseAddr(text ?? '');
    const port = portText === undefined ? null : parseNumber(portText);
    if (addr === null || (portText !== undefined && (port === null || port > 65535)) || (bracket && familyOf(addr) !== 'ipv6'))
      return 'IP, IP:PORT or [IP6]:PORT';
    d.nat.set(key, { addr, port });
    return takeFamily(d, familyOf(addr));
  };

export const OPTIONS = new Map<string, Take>([
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
export const ALIASES = new Map<string, string>([
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
export const OPTIONAL = new Map<string, 'srcNat' | 'dstNat' | 'anyNat'>([
  ['-n', 'srcNat'],
  ['-g', 'dstNat'],
  ['-j', 'anyNat'],
]);
