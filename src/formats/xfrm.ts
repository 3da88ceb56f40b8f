/** `ip xfrm policy` and `ip xfrm state` as text (ip-xfrm(8); iproute2 ip/ipxfrm.c). They have no JSON form. */
import { type Addr, addrBits, anyAddr, type Family, familyOf, formatAddr, parseAddr } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { XfrmPolicy, XfrmSelector, XfrmState, XfrmTemplate } from '../xfrm/model.js';
import type { ReadOptions } from './ip-link.js';
import { hex32, type Line, linesOf, parseNumber, type Word, Words, wordsOf } from './tokens.js';

const protocols: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['ipv6-icmp', 58],
  ['sctp', 132],
]);
const protocolNames = new Map([...protocols].map(([name, n]) => [n, name]));
const xfrmProtocols = ['esp', 'ah', 'comp'] as const;
const modes = ['transport', 'tunnel', 'beet'] as const;
const oneOf =
  <T extends string>(list: readonly T[]) =>
  (t: string): T | null =>
    list.find((x) => x === t) ?? null;
const protocolOf = (t: string): number | null => protocols.get(t) ?? parseNumber(t);

interface Entry {
  readonly head: Line;
  readonly body: Line[];
}

/** Entries start at the margin with `src`; the lines below them are indented by tabs. */
function entriesOf(text: string, reporter: Reporter): Entry[] {
  const out: Entry[] = [];
  for (const line of linesOf(text)) {
    if (line.text.trim() === '') continue;
    if (!line.indented && line.text.startsWith('src ')) out.push({ head: line, body: [] });
    else if (line.indented && out.length > 0) out[out.length - 1].body.push(line);
    else reporter.error('xfrm-line', 'this is no line of ip xfrm', line.number, 1, line.text.length, 'an entry starts with “src … dst …”');
  }
  return out;
}

type Prefix = { readonly addr: Addr; readonly len: number };
function parsePrefix(t: string): Prefix | null {
  const [text, len] = t.split('/');
  const addr = parseAddr(text);
  if (addr === null) return null;
  const bits = addrBits(familyOf(addr));
  const n = len === undefined ? bits : /^\d{1,3}$/.test(len) ? Number(len) : bits + 1;
  return n <= bits ? { addr, len: n } : null;
}

const PREFIX = 'a network (ADDRESS/LENGTH)';

/** `src … dst … [proto P] [sport N] [dport N] [type T code C] [dev D]`; null after a report. */
function readSelector(words: Words): XfrmSelector | null {
  let src: Prefix | null = null;
  let dst: Prefix | null = null;
  let proto = 0;
  let sport: XfrmSelector['sport'] = null;
  let dport: XfrmSelector['dport'] = null;
  let dev: string | null = null;
  let ok = true;
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'src' || w.text === 'dst') {
      const p = words.parsed(w, parsePrefix, 'bad-prefix', PREFIX);
      if (!p) ok = false;
      else if (w.text === 'src') src = p;
      else dst = p;
    } else if (w.text === 'proto') proto = words.parsed(w, protocolOf, 'bad-protocol', 'a protocol') ?? 0;
    else if (w.text === 'sport' || w.text === 'type') sport = readPort(w, words);
    else if (w.text === 'dport' || w.text === 'code') dport = readPort(w, words);
    else if (w.text === 'dev') dev = words.value(w)?.text ?? null;
    else if (w.text === 'uid' || w.text === 'security' || w.text === 'key') words.value(w);
    else words.reporter.warning('xfrm-unknown-word', `“${w.text}” is not known in an xfrm selector and is passed over`, w.line, w.column, w.text.length);
  }
  if (!ok || !src || !dst) return null;
  return { family: familyOf(src.addr), src, dst, proto, sport, dport, dev };
}

function readPort(w: Word, words: Words): { port: number; mask: number } | null {
  const port = words.number(w);
  let mask = 0xffff;
  if (words.peek() === 'mask') {
    const m = words.next();
    if (m) mask = words.number(m) ?? mask;
  }
  return port === null ? null : { port, mask };
}

function readMark(w: Word, words: Words): { value: number; mask: number } | null {
  return words.parsed(
    w,
    (t) => {
      const [value, mask] = t.split('/').map(parseNumber);
      return value === null || mask === null ? null : { value, mask: mask ?? 0xffffffff };
    },
    'bad-mark',
    'a mark (VALUE/MASK)',
  );
}

/** Words of a body that runs over several lines. */
const bodyWords = (lines: readonly Line[], reporter: Reporter, at: number): Words =>
  new Words(
    lines.flatMap((l) => wordsOf(l)),
    reporter,
    at,
  );

export function readXfrmPolicy(text: string, options: ReadOptions): Parsed<readonly XfrmPolicy[]> {
  const reporter = new Reporter(options.file, text);
  const out: XfrmPolicy[] = [];
  for (const e of entriesOf(text, reporter)) {
    const selector = readSelector(new Words(wordsOf(e.head), reporter, e.head.number));
    if (!selector) continue;
    const policy = readPolicyBody(selector, e, reporter);
    if (policy) out.push(policy);
  }
  return { value: out, diagnostics: reporter.diagnostics };
}

function readPolicyBody(selector: XfrmSelector, e: Entry, reporter: Reporter): XfrmPolicy | null {
  const words = bodyWords(e.body, reporter, e.head.number);
  let dir: XfrmPolicy['dir'] | null = null;
  let action: XfrmPolicy['action'] = 'allow';
  let priority = 0;
  let index = 0;
  let mark: XfrmPolicy['mark'] = null;
  let ifId = 0;
  const templates: XfrmTemplate[] = [];
  let socket = false;
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'dir') dir = words.parsed(w, oneOf(['in', 'out', 'fwd'] as const), 'bad-direction', 'in, out or fwd');
    // Policies of sockets (racoon, strongSwan's own IKE sockets) concern no packet of others.
    else if (w.text === 'socket') socket = words.value(w) !== null;
    else if (w.text === 'action') action = words.parsed(w, oneOf(['allow', 'block'] as const), 'bad-action', 'allow or block') ?? 'allow';
    else if (w.text === 'priority') priority = words.number(w) ?? 0;
    else if (w.text === 'index') index = words.number(w) ?? 0;
    else if (w.text === 'mark') mark = readMark(w, words);
    else if (w.text === 'if_id') ifId = words.number(w) ?? 0;
    else if (w.text === 'tmpl') {
      const t = readTemplate(words, selector.family);
      if (t) templates.push(t);
    }
  }
  if (socket) return null;
  if (dir === null) {
    reporter.error(
      'xfrm-no-direction',
      'this policy has no direction',
      e.head.number,
      1,
      e.head.text.length,
      'a line “dir in|out|fwd priority N” is missing below',
    );
    return null;
  }
  return { selector, dir, action, priority, index, mark, ifId, templates };
}

function readTemplate(words: Words, family: Family): XfrmTemplate | null {
  let src: Addr = anyAddr(family);
  let dst: Addr = anyAddr(family);
  let proto: XfrmTemplate['proto'] = 'esp';
  let spi = 0;
  let reqid = 0;
  let mode: XfrmTemplate['mode'] = 'transport';
  let level: XfrmTemplate['level'] = 'required';
  const withHex = (t: string): number | null => parseNumber(t.replace(/\(.*$/, ''));
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'src') src = words.parsed(w, parseAddr, 'bad-address', 'an IP address') ?? src;
    else if (w.text === 'dst') dst = words.parsed(w, parseAddr, 'bad-address', 'an IP address') ?? dst;
    else if (w.text === 'proto') proto = words.parsed(w, oneOf(xfrmProtocols), 'bad-protocol', 'esp, ah or comp') ?? proto;
    else if (w.text === 'spi') spi = words.parsed(w, withHex, 'bad-number', 'a number') ?? 0;
    else if (w.text === 'reqid') reqid = words.parsed(w, withHex, 'bad-number', 'a number') ?? 0;
    else if (w.text === 'mode') mode = words.parsed(w, oneOf(modes), 'bad-mode', 'transport, tunnel or beet') ?? mode;
    else if (w.text === 'level') level = words.parsed(w, oneOf(['required', 'use'] as const), 'bad-level', 'required or use') ?? level;
    else if (w.text === 'tmpl' || w.text === 'if_id' || w.text === 'mark') {
      words.back();
      break;
    }
  }
  return { src, dst, proto, spi, reqid, mode, level };
}

export function readXfrmState(text: string, options: ReadOptions): Parsed<readonly XfrmState[]> {
  const reporter = new Reporter(options.file, text);
  const out: XfrmState[] = [];
  for (const e of entriesOf(text, reporter)) {
    const s = readState(e, reporter);
    if (s) out.push(s);
  }
  return { value: out, diagnostics: reporter.diagnostics };
}

function readState(e: Entry, reporter: Reporter): XfrmState | null {
  const head = new Words(wordsOf(e.head), reporter, e.head.number);
  let src: Addr | null = null;
  let dst: Addr | null = null;
  for (let w = head.next(); w; w = head.next()) {
    if (w.text === 'src') src = head.parsed(w, parseAddr, 'bad-address', 'an IP address');
    else if (w.text === 'dst') dst = head.parsed(w, parseAddr, 'bad-address', 'an IP address');
  }
  if (src === null || dst === null) return null;
  const s = {
    src,
    dst,
    proto: 'esp' as XfrmState['proto'],
    spi: 0,
    reqid: 0,
    mode: 'transport' as XfrmState['mode'],
    mark: null as XfrmState['mark'],
    ifId: 0,
    selector: null as XfrmSelector | null,
  };
  const other: string[] = [];
  for (const line of e.body) {
    const words = new Words(wordsOf(line), reporter, line.number);
    const first = words.peek();
    if (first === 'sel') {
      words.next();
      s.selector = readSelector(words);
    } else if (first === 'proto' || first === 'mark' || first === 'if_id') readStateLine(s, words);
    else other.push(line.text.trim());
  }
  return { ...s, other };
}

function readStateLine(
  s: { proto: XfrmState['proto']; spi: number; reqid: number; mode: XfrmState['mode']; mark: XfrmState['mark']; ifId: number },
  words: Words,
): void {
  const withHex = (t: string): number | null => parseNumber(t.replace(/\(.*$/, ''));
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'proto') s.proto = words.parsed(w, oneOf(xfrmProtocols), 'bad-protocol', 'esp, ah or comp') ?? s.proto;
    else if (w.text === 'spi') s.spi = words.parsed(w, withHex, 'bad-number', 'a number') ?? 0;
    else if (w.text === 'reqid') s.reqid = words.parsed(w, withHex, 'bad-number', 'a number') ?? 0;
    else if (w.text === 'mode') s.mode = words.parsed(w, oneOf(modes), 'bad-mode', 'transport, tunnel or beet') ?? s.mode;
    else if (w.text === 'mark') s.mark = readMark(w, words);
    else if (w.text === 'if_id') s.ifId = words.number(w) ?? 0;
  }
}

// --- writing ---

const prefix = (p: Prefix): string => `${formatAddr(p.addr)}/${p.len}`;

/** ICMP shows its ports as type and code (xfrm_selector_print()). */
function selectorText(s: XfrmSelector): string {
  let out = `src ${prefix(s.src)} dst ${prefix(s.dst)} `;
  if (s.proto !== 0) out += `proto ${protocolNames.get(s.proto) ?? s.proto} `;
  const icmp = s.proto === 1 || s.proto === 58;
  const port = (word: string, p: { port: number; mask: number } | null): string =>
    p === null ? '' : `${word} ${p.port} ${p.mask === 0xffff || icmp ? '' : `mask 0x${p.mask.toString(16)} `}`;
  out += port(icmp ? 'type' : 'sport', s.sport) + port(icmp ? 'code' : 'dport', s.dport);
  if (s.dev !== null) out += `dev ${s.dev} `;
  return out;
}

const markText = (m: { value: number; mask: number }): string => `\tmark 0x${m.value.toString(16)}/0x${m.mask.toString(16)} \n`;

/** What `ip xfrm policy` prints. */
export function writeXfrmPolicy(policies: readonly XfrmPolicy[]): string {
  let out = '';
  for (const p of policies) {
    out += `${selectorText(p.selector)}\n\tdir ${p.dir} ${p.action === 'block' ? 'action block ' : ''}priority ${p.priority} ptype main \n`;
    if (p.mark) out += markText(p.mark);
    for (const t of p.templates) {
      out += `\ttmpl src ${formatAddr(t.src)} dst ${formatAddr(t.dst)}\n\t\tproto ${t.proto} ${t.spi === 0 ? '' : `spi ${hex32(t.spi)} `}reqid ${t.reqid} mode ${t.mode}\n`;
      if (t.level === 'use') out += '\t\tlevel use \n';
    }
    if (p.ifId !== 0) out += `\tif_id 0x${p.ifId.toString(16)}\n`;
  }
  return out;
}

/** What `ip xfrm state` prints. */
export function writeXfrmState(states: readonly XfrmState[]): string {
  let out = '';
  for (const s of states) {
    out += `src ${formatAddr(s.src)} dst ${formatAddr(s.dst)}\n\tproto ${s.proto} spi ${hex32(s.spi)} reqid ${s.reqid} mode ${s.mode}\n`;
    const [replay, ...rest] = s.other;
    if (replay !== undefined) out += `\t${replay}\n`;
    if (s.mark) out += markText(s.mark);
    for (const l of rest) out += `\t${l}\n`;
    if (s.ifId !== 0) out += `\tif_id 0x${s.ifId.toString(16)}\n`;
    if (s.selector) out += `\tsel ${selectorText(s.selector)}\n`;
  }
  return out;
}
