/** The words of a packet in the kernel log (nf_log_syslog.c) and, much alike, in xtables-monitor: `IN=eth0 OUT= MAC=… SRC=… DST=… LEN=… PROTO=TCP …`. */
import { type Addr, type Mac, parseAddr, parseMac } from '../base/addr.js';
import { protocolNumber } from '../base/well-known.js';
import { type LoggedIcmp, type LoggedPacket, type LoggedTcp, NO_PACKET } from './trace-log-types.js';

type Draft = { -readonly [K in keyof LoggedPacket]: LoggedPacket[K] };
interface Reading {
  readonly p: Draft;
  tcp: { -readonly [K in keyof LoggedTcp]: LoggedTcp[K] } | null;
  icmp: { -readonly [K in keyof LoggedIcmp]: LoggedIcmp[K] } | null;
  src: Addr | null;
  dst: Addr | null;
  prec: number;
  macSrc: Mac | null;
  macDst: Mac | null;
}

const FLAGS = new Map([
  ['CWR', 0x80],
  ['ECE', 0x40],
  ['URG', 0x20],
  ['ACK', 0x10],
  ['PSH', 0x08],
  ['RST', 0x04],
  ['SYN', 0x02],
  ['FIN', 0x01],
]);

/** null where the words do not hold a source and a destination of one family: then the line says too little to be of use. */
export function readPacketWords(text: string): LoggedPacket | null {
  const r: Reading = { p: { ...NO_PACKET }, tcp: null, icmp: null, src: null, dst: null, prec: 0, macSrc: null, macDst: null };
  const { outer, quoted } = splitQuote(text);
  const words = outer.split(/\s+/);
  for (let i = 0; i < words.length; i++) word(r, words[i], words[i + 1]);
  const { p, src, dst } = r;
  if (src === null || dst === null || typeof src !== typeof dst) return null;
  p.src = src;
  p.dst = dst;
  p.family = typeof src === 'number' ? 'ipv4' : 'ipv6';
  if (p.tos !== null) p.tos |= r.prec;
  if (r.macSrc !== null && r.macDst !== null) p.mac = { src: r.macSrc, dst: r.macDst };
  p.tcp = r.tcp;
  if (r.icmp) p.icmp = { ...r.icmp, quoted: quoted === null ? null : readPacketWords(quoted) };
  p.cut = /TRUNCATED|INCOMPLETE|\.\.\.\s*$/.test(outer) || p.proto === null;
  return p;
}

/** An ICMP error quotes the packet that it is about in brackets; `INCOMPLETE [4 bytes]` quotes nothing. */
function splitQuote(text: string): { outer: string; quoted: string | null } {
  const from = text.indexOf('[SRC=');
  if (from < 0) return { outer: text, quoted: null };
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) return { outer: text.slice(0, from) + text.slice(i + 1), quoted: text.slice(from + 1, i) };
  }
  return { outer: text.slice(0, from), quoted: text.slice(from + 1) };
}

const number = (v: string, max = 0xffffffff): number | null => {
  if (!/^(\d{1,10}|0x[0-9a-fA-F]{1,8})$/.test(v)) return null;
  const n = Number(v);
  return n <= max ? n : null;
};

function word(r: Reading, w: string, next: string | undefined): void {
  const { p } = r;
  const eq = w.indexOf('=');
  if (eq > 0) {
    valued(r, w.slice(0, eq), w.slice(eq + 1));
    return;
  }
  const flag = FLAGS.get(w);
  if (flag !== undefined && p.proto !== null) tcpOf(r).flags |= flag;
  else if (flag !== undefined && p.sport !== null) tcpOf(r).flags |= flag;
  else if (w === 'DF') p.df = true;
  else if (w === 'MF') p.mf = true;
  else if (w.startsWith('FRAG:')) fragment(p, w.slice(5));
  else if (w === 'INCOMPLETE' && p.family === 'ipv6' && p.proto === null) p.mf = true;
  else if (w === 'OPT' && next?.startsWith('(')) option(r, next.replace(/[()]/g, ''));
}

function fragment(p: Draft, v: string): void {
  const n = number(v, 0xffff);
  // IPv4 counts in words of eight bytes, IPv6 shows the bytes.
  if (n !== null) p.fragOffset = p.flowLabel === null ? n * 8 : n;
}

function option(r: Reading, hex: string): void {
  if (!/^([0-9A-Fa-f]{2})*$/.test(hex)) return;
  if (r.tcp) r.tcp.options = hex;
  else r.p.ipOptions = hex;
}

const tcpOf = (r: Reading): NonNullable<Reading['tcp']> => {
  r.tcp ??= { seq: null, ack: null, window: null, flags: 0, urgent: 0, options: '' };
  return r.tcp;
};

const protocolOf = (v: string): number | null => (v === 'ICMPv6' ? 58 : (number(v, 255) ?? protocolNumber(v.toLowerCase()) ?? null));

/** `ID=38349DF`: xtables-monitor before 1.8.4. */
function identification(p: Draft, v: string): void {
  const m = /^(\d+)(DF)?$/.exec(v);
  if (!m) return;
  p.id = number(m[1], 0xffff);
  if (m[2]) p.df = true;
}

function valued(r: Reading, key: string, v: string): void {
  const { p } = r;
  switch (key) {
    case 'IN':
      p.in = v;
      return;
    case 'OUT':
      p.out = v;
      return;
    case 'PHYSIN':
      p.physin = v;
      return;
    case 'PHYSOUT':
      p.physout = v;
      return;
    case 'MAC':
      if (/^([0-9a-f]{2}:){13}[0-9a-f]{2}$/i.test(v)) {
        r.macDst = parseMac(v.slice(0, 17));
        r.macSrc = parseMac(v.slice(18, 35));
      }
      return;
    case 'MACSRC':
      r.macSrc = parseMac(longMac(v));
      return;
    case 'MACDST':
      r.macDst = parseMac(longMac(v));
      return;
    case 'SRC':
      r.src ??= parseAddr(v);
      return;
    case 'DST':
      r.dst ??= parseAddr(v);
      return;
    case 'UID':
      p.uid = number(v);
      return;
    case 'GID':
      p.gid = number(v);
      return;
    case 'MARK':
      p.mark = number(v) ?? 0;
      return;
    default:
      if (p.proto === null && p.sport === null) networkWord(r, key, v);
      else transportWord(r, key, v);
  }
}

/** ether_ntoa() leaves out leading zeros. */
const longMac = (v: string): string =>
  v
    .split(':')
    .map((b) => b.padStart(2, '0'))
    .join(':');

function networkWord(r: Reading, key: string, v: string): void {
  const { p } = r;
  switch (key) {
    case 'LEN':
      p.len ??= number(v, 0xffff + 40);
      return;
    case 'TOS':
    case 'TC':
      p.tos = number(v, 255);
      return;
    case 'PREC':
      r.prec = number(v, 255) ?? 0;
      return;
    case 'TTL':
    case 'HOPLIMIT':
      p.ttl = number(v, 255);
      return;
    case 'FLOWLBL':
      p.flowLabel = number(v, 0xfffff);
      return;
    case 'ID':
      identification(p, v);
      return;
    case 'PROTO':
      p.proto = protocolOf(v);
      return;
    case 'SPORT':
      transportWord(r, 'SPT', v);
      return;
  }
}

function transportWord(r: Reading, key: string, v: string): void {
  const { p } = r;
  const n = number(v);
  switch (key) {
    case 'SPT':
    case 'SPORT':
      p.sport = number(v, 0xffff);
      return;
    case 'DPT':
    case 'DPORT':
      p.dport = number(v, 0xffff);
      return;
    case 'SEQ':
      if (r.icmp) r.icmp.seq = n;
      else tcpOf(r).seq = n;
      return;
    case 'ACK':
      tcpOf(r).ack = n;
      return;
    case 'WINDOW':
      tcpOf(r).window = n;
      return;
    case 'URGP':
      tcpOf(r).urgent = n ?? 0;
      return;
    case 'SPI':
      p.spi = n;
      return;
    case 'TYPE':
      r.icmp = { type: n ?? 0, code: 0, id: null, seq: null, rest: 0, quoted: null };
      return;
    default:
      if (r.icmp) icmpWord(r.icmp, key, v, n);
  }
}

function icmpWord(icmp: NonNullable<Reading['icmp']>, key: string, v: string, n: number | null): void {
  if (key === 'CODE') icmp.code = n ?? 0;
  else if (key === 'ID') icmp.id = n;
  else if (key === 'MTU') icmp.rest = n ?? 0;
  else if (key === 'PARAMETER') icmp.rest = (n ?? 0) * 0x1000000;
  else if (key === 'POINTER') icmp.rest = Number.parseInt(v, 16) || 0;
  else if (key === 'GATEWAY') {
    const a = parseAddr(v);
    if (typeof a === 'number') icmp.rest = a;
  }
}
