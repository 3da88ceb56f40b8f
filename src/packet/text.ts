/**
 * One packet in one line of words, for tests, scenarios and the command line:
 *
 *   tcp 10.0.0.1:4000 > 10.0.0.2:80 syn ttl 3 tos 0x10 id 7 df len 100
 *   udp [2001:db8::1]:53 > [2001:db8::2]:99 data "hello"
 *   icmp 10.0.0.1 > 10.0.0.2 type 8 code 0 echo-id 5 echo-seq 1
 *   proto 47 10.0.0.1 > 10.0.0.2 hex 0000
 *   udp 10.0.0.1 > 10.0.0.2 frag 1480 mf          a later fragment: no transport header
 *   udp 10.0.0.1 > 10.0.0.2 raw hex 0035          what stands behind the IP header, as it is
 *   icmp6 fe80::1 > ff02::1 type 128 ext hop 0502 a hop-by-hop header in front, its options in hex
 *
 * Words may stand in any order behind the addresses. What is not said has a default: TTL 64, echo request, ports 0, no payload.
 */
import { type Addr, formatAddr, type Ip6, parseAddr, readAddr } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import { protocolName, protocolNumber } from '../base/well-known.js';
import { buildIcmp, buildIcmp6, buildIp4, buildIp6, buildSctp, buildTcp, buildUdp, echoRest, TCP_FLAG } from './build.js';
import { NEXTHDR } from './ip6.js';
import { IPPROTO } from './skb.js';

export interface TextPlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A value that needs saying in words what is wrong and at which word. */
class TextError extends Error {
  constructor(
    message: string,
    readonly word: Word,
    readonly hint?: string,
  ) {
    super(message);
  }
}

interface Word {
  readonly text: string;
  readonly at: number;
}

interface Endpoint {
  readonly addr: Addr;
  readonly port: number;
}

const EXTENSIONS = new Map<string, number>([
  ['hop', NEXTHDR.HOP],
  ['dst', NEXTHDR.DEST],
  ['route', NEXTHDR.ROUTING],
  ['ah', NEXTHDR.AUTH],
]);
const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const;
const NO_BYTES = new Uint8Array(0);
const MAX_LENGTH = 65535;

/** What the words said. */
class Spec {
  readonly numbers = new Map<string, number>();
  flags = 0;
  readonly set = new Set<string>();
  payload: Uint8Array = NO_BYTES;
  readonly ext: { readonly kind: number; readonly body: Uint8Array }[] = [];
  get(name: string, or: number): number {
    return this.numbers.get(name) ?? or;
  }
}

/** Largest value of each numbered word. */
const NUMBERS = new Map<string, number>([
  ['ttl', 255],
  ['tos', 255],
  ['id', 0xffffffff],
  ['len', MAX_LENGTH],
  ['frag', MAX_LENGTH],
  ['seq', 0xffffffff],
  ['acknum', 0xffffffff],
  ['win', 65535],
  ['mss', 65535],
  ['type', 255],
  ['code', 255],
  ['echo-id', 65535],
  ['echo-seq', 65535],
  ['rest', 0xffffffff],
  ['flow', 0xfffff],
  ['vtag', 0xffffffff],
]);
const SWITCHES = new Set(['df', 'mf', 'raw']);

function splitWords(text: string): Word[] {
  const words: Word[] = [];
  for (const m of text.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)) words.push({ text: m[0], at: m.index });
  return words;
}

class Reader {
  #i = 0;
  constructor(
    readonly words: readonly Word[],
    readonly end: number,
  ) {}
  get done(): boolean {
    return this.#i >= this.words.length;
  }
  next(what: string): Word {
    const w = this.words[this.#i++];
    if (!w) throw new TextError(`${what} expected`, { text: '', at: this.end });
    return w;
  }
}

function number(w: Word, max: number): number {
  const n = /^(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(w.text) ? Number(w.text) : -1;
  if (n < 0 || n > max) throw new TextError(`not a number from 0 to ${max}: ${w.text}`, w);
  return n;
}

function hexBytes(w: Word): Uint8Array {
  if (!/^([0-9a-fA-F]{2})*$/.test(w.text)) throw new TextError(`not hex: ${w.text}`, w, 'an even number of hex digits');
  return Uint8Array.from(w.text.match(/../g) ?? [], (h) => Number.parseInt(h, 16));
}

function quoted(w: Word): Uint8Array {
  if (!/^"(?:[^"\\]|\\.)*"$/.test(w.text)) throw new TextError(`not in quotes: ${w.text}`, w);
  return new TextEncoder().encode(w.text.slice(1, -1).replace(/\\(.)/g, '$1'));
}

function protocol(r: Reader): number {
  const w = r.next('a protocol');
  if (w.text === 'proto') return number(r.next('a protocol number'), 255);
  const n = w.text === 'icmp6' ? IPPROTO.ICMPV6 : protocolNumber(w.text);
  if (n === undefined) throw new TextError(`unknown protocol: ${w.text}`, w, 'tcp, udp, icmp, icmp6, sctp, or "proto NUMBER"');
  return n;
}

/** `10.0.0.1`, `10.0.0.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. */
function endpoint(w: Word): Endpoint {
  const m = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(w.text);
  const addr = parseAddr(m ? (m[1] ?? m[2]) : w.text);
  const port = Number(m?.[3] ?? 0);
  if (addr === null || port > 65535) throw new TextError(`not an address or address and port: ${w.text}`, w);
  return { addr, port };
}

function option(spec: Spec, w: Word, r: Reader): void {
  const max = NUMBERS.get(w.text);
  const flag = FLAGS.indexOf(w.text as (typeof FLAGS)[number]);
  if (max !== undefined) spec.numbers.set(w.text, number(r.next(`a number behind ${w.text}`), max));
  else if (flag >= 0) spec.flags |= 1 << flag;
  else if (SWITCHES.has(w.text)) spec.set.add(w.text);
  else if (w.text === 'hex') spec.payload = hexBytes(r.next('hex digits'));
  else if (w.text === 'data') spec.payload = quoted(r.next('text in quotes'));
  else if (w.text === 'ext') {
    const name = r.next('the kind of extension header');
    const kind = EXTENSIONS.get(name.text);
    if (kind === undefined) throw new TextError(`unknown extension header: ${name.text}`, name, [...EXTENSIONS.keys()].join(', '));
    spec.ext.push({ kind, body: hexBytes(r.next('hex digits')) });
  } else throw new TextError(`unknown word: ${w.text}`, w, `${[...NUMBERS.keys(), ...SWITCHES, ...FLAGS].join(', ')}, hex, data, ext`);
}

function transport(proto: number, s: Spec, src: Endpoint, dst: Endpoint, payload: Uint8Array): Uint8Array {
  if (s.get('frag', 0) > 0 || s.set.has('raw')) return payload;
  const ports = { sport: src.port, dport: dst.port };
  switch (proto) {
    case IPPROTO.TCP: {
      const mss = s.numbers.get('mss');
      const options = mss === undefined ? NO_BYTES : Uint8Array.of(2, 4, mss >>> 8, mss);
      return buildTcp(
        { ...ports, flags: s.flags, seq: s.get('seq', 0), ack: s.get('acknum', 0), window: s.get('win', 65535), options, payload },
        src.addr,
        dst.addr,
      );
    }
    case IPPROTO.UDP:
      return buildUdp({ ...ports, payload }, src.addr, dst.addr);
    case IPPROTO.SCTP:
      return buildSctp({ ...ports, vtag: s.get('vtag', 0), chunks: payload });
    case IPPROTO.ICMP:
      return buildIcmp({ type: s.get('type', 8), code: s.get('code', 0), rest: rest(s), payload });
    case IPPROTO.ICMPV6:
      return typeof src.addr === 'string'
        ? buildIcmp6({ type: s.get('type', 128), code: s.get('code', 0), rest: rest(s), payload }, src.addr, dst.addr as Ip6)
        : payload;
    default:
      return payload;
  }
}

const rest = (s: Spec): number => s.get('rest', echoRest(s.get('echo-id', 0), s.get('echo-seq', 0)));

/** Extension headers in front of `payload`, and the fragment header where it is a fragment. */
function withExtensions(proto: number, s: Spec, payload: Uint8Array): { proto: number; payload: Uint8Array } {
  let next = proto;
  let bytes = payload;
  if (s.numbers.has('frag') || s.set.has('mf')) {
    const offset = (s.get('frag', 0) & 0xfff8) | (s.set.has('mf') ? 1 : 0);
    const id = s.get('id', 0);
    bytes = Uint8Array.of(next, 0, offset >>> 8, offset, id >>> 24, id >>> 16, id >>> 8, id, ...bytes);
    next = NEXTHDR.FRAGMENT;
  }
  for (const e of [...s.ext].reverse()) {
    const unit = e.kind === NEXTHDR.AUTH ? 4 : 8;
    const header = new Uint8Array(Math.max(Math.ceil((e.body.length + 2) / unit) * unit, 8));
    header[0] = next;
    header[1] = header.length / unit - (e.kind === NEXTHDR.AUTH ? 2 : 1);
    header.set(e.body, 2);
    bytes = Uint8Array.of(...header, ...bytes);
    next = e.kind;
  }
  return { proto: next, payload: bytes };
}

function assemble(proto: number, s: Spec, src: Endpoint, dst: Endpoint, payload: Uint8Array): Uint8Array {
  const inner = transport(proto, s, src, dst, payload);
  const common = { ttl: s.get('ttl', 64), tos: s.get('tos', 0) };
  if (typeof src.addr === 'number') {
    const frag = { id: s.get('id', 0) & 0xffff, df: s.set.has('df'), mf: s.set.has('mf'), fragOffset: s.get('frag', 0) };
    return buildIp4({ ...common, ...frag, src: src.addr, dst: dst.addr as number, proto, payload: inner });
  }
  return buildIp6({ ...common, src: src.addr, dst: dst.addr as Ip6, flowLabel: s.get('flow', 0), ...withExtensions(proto, s, inner) });
}

function read(text: string): Uint8Array {
  const r = new Reader(splitWords(text), text.length);
  const proto = protocol(r);
  const srcWord = r.next('a source');
  const src = endpoint(srcWord);
  const arrow = r.next('">"');
  if (arrow.text !== '>') throw new TextError(`">" expected instead of ${arrow.text}`, arrow);
  const dstWord = r.next('a destination');
  const dst = endpoint(dstWord);
  if (typeof src.addr !== typeof dst.addr) throw new TextError('source and destination are of different families', dstWord);
  const spec = new Spec();
  while (!r.done) option(spec, r.next('a word'), r);
  const bytes = assemble(proto, spec, src, dst, spec.payload);
  const len = spec.numbers.get('len');
  if (len === undefined) return bytes;
  if (len < bytes.length) throw new TextError(`it is ${bytes.length} bytes without padding, more than len ${len}`, srcWord);
  const padded = new Uint8Array(spec.payload.length + len - bytes.length);
  padded.set(spec.payload);
  return assemble(proto, spec, src, dst, padded);
}

/** An IP packet with right checksums; null, with a diagnostic that points at the word, where the text is none. */
export function parsePacketText(text: string, place: TextPlace): Parsed<Uint8Array | null> {
  try {
    return { value: read(text), diagnostics: [] };
  } catch (e) {
    if (!(e instanceof TextError)) throw e;
    const reporter = new Reporter(place.file, `${'\n'.repeat(place.line - 1)}${' '.repeat(place.column - 1)}${text}`);
    const before = text.slice(0, e.word.at).split('\n');
    const column = (before.length === 1 ? place.column : 1) + before[before.length - 1].length;
    reporter.error('packet-text', e.message, place.line + before.length - 1, column, e.word.text.length, e.hint);
    return { value: null, diagnostics: reporter.diagnostics };
  }
}

const hexOf = (b: Uint8Array): string => Array.from(b, (v) => v.toString(16).padStart(2, '0')).join('');

/** Protocols whose headers the words build. */
const BUILT = new Set<number>([IPPROTO.TCP, IPPROTO.UDP, IPPROTO.SCTP, IPPROTO.ICMP, IPPROTO.ICMPV6]);

/** The words of a transport header and how many bytes it takes; the rest is payload. */
function transportWords(proto: number, b: Uint8Array): { ports: readonly [number, number] | null; words: string; bytes: number } {
  const u16 = (at: number) => (b[at] << 8) | b[at + 1];
  const u32 = (at: number) => ((u16(at) << 16) | u16(at + 2)) >>> 0;
  const unless = (name: string, v: number, or: number) => (v === or ? '' : ` ${name} ${v}`);
  if (proto === IPPROTO.TCP && b.length >= 20) {
    const header = (b[12] >>> 4) * 4;
    const flags = FLAGS.filter((f) => b[13] & TCP_FLAG[f.toUpperCase() as keyof typeof TCP_FLAG])
      .map((f) => ` ${f}`)
      .join('');
    const mss = header === 24 && b[20] === 2 && b[21] === 4 ? ` mss ${u16(22)}` : '';
    return {
      ports: [u16(0), u16(2)],
      words: `${flags}${unless('seq', u32(4), 0)}${unless('acknum', u32(8), 0)}${unless('win', u16(14), 65535)}${mss}`,
      bytes: Math.max(20, header),
    };
  }
  if (proto === IPPROTO.UDP && b.length >= 8) return { ports: [u16(0), u16(2)], words: '', bytes: 8 };
  if (proto === IPPROTO.SCTP && b.length >= 12) return { ports: [u16(0), u16(2)], words: unless('vtag', u32(4), 0), bytes: 12 };
  if ((proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6) && b.length >= 8) {
    const echo = u16(4) !== 0 || u16(6) !== 0 ? ` echo-id ${u16(4)} echo-seq ${u16(6)}` : '';
    return { ports: null, words: ` type ${b[0]} code ${b[1]}${echo}`, bytes: 8 };
  }
  return { ports: null, words: '', bytes: 0 };
}

interface Network {
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: number;
  readonly words: string;
  /** Behind the fixed header and its extensions. */
  readonly at: number;
  readonly laterFragment: boolean;
}

function network4(b: Uint8Array): Network {
  const offset = (((b[6] & 0x1f) << 8) | b[7]) * 8;
  const id = (b[4] << 8) | b[5];
  const words = `${b[8] === 64 ? '' : ` ttl ${b[8]}`}${b[1] ? ` tos ${b[1]}` : ''}${id ? ` id ${id}` : ''}${b[6] & 0x40 ? ' df' : ''}${offset ? ` frag ${offset}` : ''}${b[6] & 0x20 ? ' mf' : ''}`;
  return { src: readAddr(b, 12, 'ipv4'), dst: readAddr(b, 16, 'ipv4'), proto: b[9], words, at: (b[0] & 15) * 4, laterFragment: offset > 0 };
}

function network6(b: Uint8Array): Network {
  const tos = ((b[0] & 15) << 4) | (b[1] >>> 4);
  const flow = ((b[1] & 15) << 16) | (b[2] << 8) | b[3];
  let words = `${b[7] === 64 ? '' : ` ttl ${b[7]}`}${tos ? ` tos ${tos}` : ''}${flow ? ` flow ${flow}` : ''}`;
  let proto = b[6];
  let at = 40;
  let laterFragment = false;
  for (;;) {
    const name = [...EXTENSIONS].find(([, n]) => n === proto)?.[0];
    if ((!name && proto !== NEXTHDR.FRAGMENT) || at + 8 > b.length) break;
    if (name) {
      const bytes = proto === NEXTHDR.AUTH ? (b[at + 1] + 2) * 4 : (b[at + 1] + 1) * 8;
      words += ` ext ${name} ${hexOf(b.subarray(at + 2, at + bytes))}`;
      proto = b[at];
      at += bytes;
      continue;
    }
    const offset = (b[at + 2] << 8) | b[at + 3];
    words += ` id ${((b[at + 4] << 24) | (b[at + 5] << 16) | (b[at + 6] << 8) | b[at + 7]) >>> 0} frag ${offset & 0xfff8}${offset & 1 ? ' mf' : ''}`;
    laterFragment = (offset & 0xfff8) !== 0;
    proto = b[at];
    at += 8;
    break;
  }
  return { src: readAddr(b, 8, 'ipv6'), dst: readAddr(b, 24, 'ipv6'), proto, words, at, laterFragment };
}

/** The text that parsePacketText() makes the same packet of, IP options, other TCP options and wrong checksums left out. `data`: an IP packet. */
export function formatPacket(data: Uint8Array): string {
  if (data.length < 20) return `hex ${hexOf(data)}`;
  const net = data[0] >>> 4 === 6 && data.length >= 40 ? network6(data) : network4(data);
  const body = data.subarray(net.at);
  const t = net.laterFragment ? { ports: null, words: '', bytes: 0 } : transportWords(net.proto, body);
  const where = (a: Addr, port: number | undefined) => {
    if (port === undefined) return formatAddr(a);
    return typeof a === 'number' ? `${formatAddr(a)}:${port}` : `[${formatAddr(a)}]:${port}`;
  };
  const name = net.proto === IPPROTO.ICMPV6 ? 'icmp6' : protocolName(net.proto);
  const payload = body.subarray(t.bytes);
  const raw = !net.laterFragment && t.bytes === 0 && BUILT.has(net.proto) ? ' raw' : '';
  return (
    `${name ?? `proto ${net.proto}`} ${where(net.src, t.ports?.[0])} > ${where(net.dst, t.ports?.[1])}` +
    `${net.words}${raw}${t.words}${payload.length > 0 ? ` hex ${hexOf(payload)}` : ''}`
  );
}
