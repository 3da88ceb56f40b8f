/**
 * Sockets of a node: what `ss -lntup` prints for listening TCP and unconnected UDP sockets, /proc/net/{tcp,tcp6,udp,udp6} one behind the other, short lines
 * (`tcp 0.0.0.0:80 dev eth0 uid 0 transparent`), or the JSON list of the kernel corpus (`[{"id", "proto", "addr", "port"}]`).
 */
import { type Addr, ANY4, ANY6, formatAddr, parseAddr } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { ReadOptions } from './ip-link.js';
import { type JsonFields, jsonEntries, looksLikeJson } from './json.js';
import { linesOf, type Word, Words, wordsOf } from './tokens.js';

/** As SocketState of scenario/model.ts. */
export interface SocketEntry {
  readonly id: string;
  readonly proto: 'tcp' | 'udp';
  readonly addr: Addr;
  readonly port: number;
  readonly dev: string | null;
  readonly uid: number;
  readonly transparent: boolean;
}

const parsePort = (t: string): number | null => (/^\d{1,5}$/.test(t) && Number(t) <= 65535 ? Number(t) : null);

/** `10.0.0.1:80`, `*:80`, `0.0.0.0%lo:80`, `[::1]:80`, `:::80`. */
export function parseEndpoint(t: string): { addr: Addr; port: number; dev: string | null } | null {
  const m = /^(.*):(\d{1,5}|\*)$/.exec(t);
  if (!m) return null;
  const port = m[2] === '*' ? 0 : parsePort(m[2]);
  const [text, dev] = m[1].replace(/^\[(.*)\](.*)$/, '$1$2').split('%');
  const addr = text === '*' || text === '' ? ANY4 : text === '::' ? ANY6 : parseAddr(text);
  return port === null || addr === null ? null : { addr, port, dev: dev ?? null };
}

export function readSockets(text: string, options: ReadOptions): Parsed<readonly SocketEntry[]> {
  const reporter = new Reporter(options.file, text);
  const out: SocketEntry[] = [];
  if (looksLikeJson(text)) for (const f of jsonEntries(text, reporter)) pushIf(out, ofJson(f, out.length));
  else if (/^\s*sl\s+local_address\b/m.test(text)) return { value: listed(procSockets(text)), diagnostics: [] };
  else
    for (const line of linesOf(text)) {
      const words = new Words(wordsOf(line), reporter, line.number);
      const first = words.next();
      if (!first || first.text === 'Netid' || first.text === 'State') continue;
      pushIf(out, ofLine(first, words, out.length));
      // ss shows the sockets of both families so: an IPv6 one that takes IPv4 as well.
      if (words.words.some((w) => w.text.startsWith('*:')) && out.length > 0 && isSs(line.text)) out.push({ ...out[out.length - 1], addr: ANY6 });
    }
  if (isSs(text)) return { value: listed(out), diagnostics: reporter.diagnostics };
  return { value: out, diagnostics: reporter.diagnostics };
}

const isSs = (text: string): boolean => /^(tcp|udp)\s+(LISTEN|UNCONN)\s/m.test(text);

/** Sockets that share a port (SO_REUSEPORT, one per worker) stand there once for each. */
function listed(sockets: readonly SocketEntry[]): SocketEntry[] {
  const seen = new Set<string>();
  const once = sockets.filter((s) => {
    const key = `${s.proto} ${formatAddr(s.addr)} ${s.port} ${s.dev ?? ''}`;
    return !seen.has(key) && seen.add(key);
  });
  return once.map((s, i) => ({ ...s, id: `srv${i}` }));
}

/** TCP_LISTEN, and what an unconnected UDP socket shows (TCP_CLOSE). */
const LISTEN = '0A';
const UNCONNECTED = '07';

/** Lines as `0: 0100007F:0035 00000000:0000 0A …  uid …`: 32-bit words of a little-endian machine. What is no such line is passed over. */
function procSockets(text: string): SocketEntry[] {
  const out: SocketEntry[] = [];
  let proto: SocketEntry['proto'] = 'tcp';
  for (const line of text.split('\n')) {
    if (/^\s*sl\s/.test(line)) proto = line.includes('drops') ? 'udp' : 'tcp';
    const m = /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:0000 ([0-9A-F]{2}) \S+ \S+ \S+\s+(\d+)/.exec(line);
    if (!m || m[3] !== (proto === 'tcp' ? LISTEN : UNCONNECTED)) continue;
    const port = Number.parseInt(m[2], 16);
    const socket = { id: '', proto, addr: procAddr(m[1]), port, dev: null, uid: Number(m[4]), transparent: false };
    out.push(socket);
    // It takes IPv4 as well, unless another socket already does (then it is an IPv6-only one).
    if (socket.addr === ANY6 && !out.some((s) => s.proto === proto && s.port === port && typeof s.addr === 'number')) out.push({ ...socket, addr: ANY4 });
  }
  return out;
}

function procAddr(hex: string): Addr {
  const words = Array.from(
    { length: hex.length / 8 },
    (_, i) => Number.parseInt((hex.slice(8 * i, 8 * i + 8).match(/../g) ?? []).reverse().join(''), 16) >>> 0,
  );
  return words.length === 1 ? words[0] : words.map((w) => String.fromCharCode(w >>> 16, w & 0xffff)).join('');
}

function pushIf<T>(list: T[], x: T | null): void {
  if (x !== null) list.push(x);
}

function ofJson(f: JsonFields, n: number): SocketEntry | null {
  const proto = f.parsed('proto', (t) => (t === 'tcp' || t === 'udp' ? t : null), 'bad-protocol', 'tcp or udp');
  const addr = f.parsed('addr', parseAddr, 'bad-address', 'an IP address');
  const port = f.number('port');
  if (proto === null || addr === null || port === null) return null;
  return { id: f.string('id') ?? `srv${n}`, proto, addr, port, dev: f.string('dev'), uid: f.number('uid') ?? 0, transparent: f.flag('transparent') };
}

function ofLine(first: Word, words: Words, n: number): SocketEntry | null {
  const proto = first.text.replace(/6$/, '');
  if (proto !== 'tcp' && proto !== 'udp') {
    words.reporter.error(
      'socket-line',
      'this is no line of ss -lntu',
      first.line,
      first.column,
      first.text.length,
      'tcp ADDRESS:PORT [dev DEVICE] [uid N] [transparent]',
    );
    return null;
  }
  // ss: Netid State Recv-Q Send-Q Local:Port Peer:Port Process
  const ss = words.peek() === 'LISTEN' || words.peek() === 'UNCONN';
  if (ss) for (let i = 0; i < 3; i++) words.next();
  const end = words.parsed(first, parseEndpoint, 'bad-endpoint', 'ADDRESS:PORT');
  if (!end) return null;
  let { dev } = end;
  let uid = 0;
  let transparent = false;
  if (ss) words.next();
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'dev') dev = words.value(w)?.text ?? null;
    else if (w.text === 'uid') uid = words.number(w) ?? 0;
    else if (w.text.startsWith('uid:')) uid = Number(w.text.slice(4)) || 0;
    else if (w.text === 'transparent') transparent = true;
    else if (!ss)
      words.reporter.error(
        'socket-word',
        `“${w.text}” is not known here`,
        w.line,
        w.column,
        w.text.length,
        'tcp ADDRESS:PORT [dev DEVICE] [uid N] [transparent]',
      );
  }
  return { id: `srv${n}`, proto, addr: end.addr, port: end.port, dev, uid, transparent };
}

/** One short line per socket, as readSockets() takes them. */
export function writeSockets(sockets: readonly SocketEntry[]): string {
  let out = '';
  for (const s of sockets) {
    const addr = typeof s.addr === 'number' ? formatAddr(s.addr) : `[${formatAddr(s.addr)}]`;
    out += `${s.proto} ${addr}:${s.port}${s.dev === null ? '' : ` dev ${s.dev}`}${s.uid === 0 ? '' : ` uid ${s.uid}`}${s.transparent ? ' transparent' : ''}\n`;
  }
  return out;
}
