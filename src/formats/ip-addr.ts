/** `ip addr` as text and as `-j` JSON (ip-address(8); iproute2 ip/ipaddress.c print_addrinfo()). */
import { type Addr, addrBits, formatAddr, parseAddr } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { IfAddr, Link } from '../link/model.js';
import { type LinkBlock, linkBlocks, linkOfJson, linkOfText, type ReadOptions } from './ip-link.js';
import { linkLines, linkToJson } from './ip-link-print.js';
import { type JsonFields, jsonEntries, looksLikeJson } from './json.js';
import { parseWord, type Word, Words, wordsOf } from './tokens.js';

export interface LinksAndAddrs {
  readonly links: readonly Link[];
  readonly addrs: readonly IfAddr[];
}

const FOREVER = 4294967295;

/** Devices and addresses of `ip addr` (all families that it holds). */
export function readIpAddr(text: string, options: ReadOptions): Parsed<LinksAndAddrs> {
  const reporter = new Reporter(options.file, text);
  const links: Link[] = [];
  const addrs: IfAddr[] = [];
  if (looksLikeJson(text)) {
    for (const entry of jsonEntries(text, reporter)) {
      const infos = entry.objects('addr_info');
      const link = linkOfJson(entry);
      if (!link) continue;
      links.push(link);
      for (const info of infos) {
        const a = addrOfJson(info, link.name);
        if (a) addrs.push(a);
      }
    }
  } else {
    for (const block of linkBlocks(text, reporter)) {
      const link = linkOfText(block, reporter);
      if (!link) continue;
      links.push(link);
      addrs.push(...addrsOfText(block, link.name, reporter));
    }
  }
  return { value: { links, addrs }, diagnostics: reporter.diagnostics };
}

/** Flag words in the order print_ifa_flags() prints them; `dynamic` stands where `permanent` would. */
const addrFlagWords = [
  'temporary',
  'nodad',
  'optimistic',
  'dadfailed',
  'home',
  'deprecated',
  'tentative',
  'dynamic',
  'mngtmpaddr',
  'noprefixroute',
  'autojoin',
  'stable-privacy',
] as const;
const flagSet: ReadonlySet<string> = new Set<string>(addrFlagWords);

const parseLength = (family: 'ipv4' | 'ipv6', n: number): number | null => (Number.isInteger(n) && n >= 0 && n <= addrBits(family) ? n : null);
const lifetime = (n: number | null): number | null => (n === null || n >= FOREVER ? null : n);

function addrOfJson(f: JsonFields, dev: string): IfAddr | null {
  const familyWord = f.string('family');
  if (familyWord !== 'inet' && familyWord !== 'inet6') return null;
  const family = familyWord === 'inet' ? 'ipv4' : 'ipv6';
  const one = (text: string): Addr | null => {
    const a = parseAddr(text);
    return a !== null && (typeof a === 'number') === (family === 'ipv4') ? a : null;
  };
  if (f.need('local') === null) return null;
  const local = f.parsed('local', one, 'bad-address', `an address of ${familyWord}`);
  if (local === null) return null;
  const given = f.number('prefixlen') ?? addrBits(family);
  const prefixlen = parseLength(family, given);
  if (prefixlen === null) f.error('bad-prefix-length', `a prefix length of ${familyWord} is at most ${addrBits(family)}`, f.get('prefixlen'));
  const protocol = f.string('protocol');
  return {
    dev,
    family,
    local,
    peer: f.parsed('address', one, 'bad-address', `an address of ${familyWord}`),
    prefixlen: prefixlen ?? addrBits(family),
    broadcast: f.parsed('broadcast', one, 'bad-address', `an address of ${familyWord}`),
    scope: f.string('scope') ?? 'global',
    label: f.string('label'),
    secondary: f.flag('secondary'),
    flags: addrFlagWords.filter((w) => f.has(w) && f.flag(w)),
    validLft: lifetime(f.number('valid_life_time')),
    preferredLft: lifetime(f.number('preferred_life_time')),
    metric: f.number('metric'),
    ...(protocol === null ? {} : { protocol }),
  };
}

function addrsOfText(block: LinkBlock, dev: string, reporter: Reporter): IfAddr[] {
  const out: IfAddr[] = [];
  for (const line of block.body) {
    const all = wordsOf(line);
    const words = new Words(all, reporter, line.number);
    const first = words.next();
    if (first?.text === 'inet' || first?.text === 'inet6') {
      const a = readInetLine(first, words, dev);
      if (a) out.push(a);
    }
    // With `ip -o` the lifetimes stand in a line of their own as well, since the backslash ends one.
    if (first?.text === 'valid_lft' && out.length > 0) {
      const valid = words.next();
      words.next();
      const preferred = words.next();
      const last = out[out.length - 1];
      out[out.length - 1] = { ...last, validLft: seconds(valid, reporter), preferredLft: seconds(preferred, reporter) };
    }
  }
  return out;
}

function seconds(w: Word | undefined, reporter: Reporter): number | null {
  if (!w || w.text === 'forever') return null;
  return parseWord(w, reporter, (t) => (/^\d+sec$/.test(t) ? Number.parseInt(t, 10) : null), 'bad-lifetime', 'a lifetime (“forever” or “123sec”)');
}

function readInetLine(first: Word, words: Words, dev: string): IfAddr | null {
  const { reporter } = words;
  const family = first.text === 'inet' ? 'ipv4' : 'ipv6';
  const one = (t: string): Addr | null => {
    const a = parseAddr(t);
    return a !== null && (typeof a === 'number') === (family === 'ipv4') ? a : null;
  };
  const withLength = (t: string): { addr: Addr; len: number } | null => {
    const [text, len] = t.split('/');
    const addr = one(text);
    const n = len === undefined ? addrBits(family) : /^\d+$/.test(len) ? parseLength(family, Number(len)) : null;
    return addr === null || n === null ? null : { addr, len: n };
  };
  const own = words.value(first);
  if (!own) return null;
  const what = `an address of ${first.text} (ADDRESS/LENGTH)`;
  const local = parseWord(own, reporter, withLength, 'bad-address', what);
  if (!local) return null;
  let { len } = local;
  let peer: Addr | null = null;
  let broadcast: Addr | null = null;
  let scope = 'global';
  let label: string | null = null;
  let secondary = false;
  let metric: number | null = null;
  let protocol: string | null = null;
  const flags: string[] = [];
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'peer') {
      const v = words.parsed(w, withLength, 'bad-address', what);
      if (v) {
        peer = v.addr;
        len = v.len;
      }
    } else if (w.text === 'brd') broadcast = words.parsed(w, one, 'bad-address', `an address of ${first.text}`);
    else if (w.text === 'any') words.value(w);
    else if (w.text === 'metric') metric = words.number(w);
    else if (w.text === 'scope') scope = words.value(w)?.text ?? scope;
    else if (w.text === 'proto') protocol = words.value(w)?.text ?? null;
    else if (w.text === 'secondary') secondary = true;
    else if (flagSet.has(w.text)) flags.push(w.text);
    else if (w.text === 'valid_lft') words.rest();
    else label = w.text;
  }
  return {
    dev,
    family,
    local: local.addr,
    peer,
    prefixlen: len,
    broadcast,
    scope,
    label,
    secondary,
    flags,
    validLft: null,
    preferredLft: null,
    metric,
    ...(protocol === null ? {} : { protocol }),
  };
}

// --- writing ---

export interface WriteAddrOptions {
  /** -d */
  readonly details?: boolean;
  /** -4 / -6: only that family, only devices that have such an address, no link/ line. */
  readonly family?: 'ipv4' | 'ipv6';
}

const lft = (n: number | null): string => (n === null ? 'forever' : `${n}sec`);

function addrLine(a: IfAddr): string {
  let out = `    ${a.family === 'ipv4' ? 'inet' : 'inet6'} ${formatAddr(a.local)}`;
  if (a.peer !== null) out += ` peer ${formatAddr(a.peer)}`;
  out += `/${a.prefixlen}`;
  if (a.metric !== null) out += ` metric ${a.metric}`;
  if (a.broadcast !== null) out += ` brd ${formatAddr(a.broadcast)}`;
  out += ` scope ${a.scope} `;
  if (a.secondary) out += 'secondary ';
  for (const f of a.flags) out += `${f} `;
  if (a.protocol !== undefined) out += `proto ${a.protocol} `;
  if (a.label !== null) out += a.label;
  return `${out}\n       valid_lft ${lft(a.validLft)} preferred_lft ${lft(a.preferredLft)}\n`;
}

function shown(links: readonly Link[], addrs: readonly IfAddr[], o: WriteAddrOptions): { link: Link; addrs: IfAddr[] }[] {
  const all = links.map((link) => ({ link, addrs: addrs.filter((a) => a.dev === link.name && (!o.family || a.family === o.family)) }));
  // The kernel dumps IPv4 addresses before IPv6 ones.
  for (const e of all) e.addrs.sort((a, b) => Number(a.family === 'ipv6') - Number(b.family === 'ipv6'));
  return o.family ? all.filter((e) => e.addrs.length > 0) : all;
}

/** What `ip [-d] [-4|-6] addr` prints. */
export function writeIpAddr(links: readonly Link[], addrs: readonly IfAddr[], o: WriteAddrOptions = {}): string {
  let out = '';
  for (const e of shown(links, addrs, o)) {
    const lines = linkLines(e.link, { details: o.details, withMode: false });
    out += `${o.family && !o.details ? withoutLinkLine(lines) : lines}\n`;
    for (const a of e.addrs) out += addrLine(a);
  }
  return out;
}

/** The peer's namespace then stands at the end of the first line. */
function withoutLinkLine(lines: string): string {
  const netns = / link-netnsid \d+/.exec(lines)?.[0] ?? '';
  const [head, ...rest] = lines.split('\n').filter((l) => !l.startsWith('    link/'));
  return [`${head}${netns}`, ...rest].join('\n');
}

/** What `ip -j [-d] [-4|-6] addr` prints: one line. */
export function writeIpAddrJson(links: readonly Link[], addrs: readonly IfAddr[], o: WriteAddrOptions = {}): string {
  const noLinkLine = new Set(['link_type', 'address', 'broadcast', 'link_pointtopoint']);
  const entries = shown(links, addrs, o).map((e) => {
    const head = linkToJson(e.link, { details: o.details, withMode: false });
    const kept = o.family && !o.details ? head.filter(([k]) => !noLinkLine.has(k)) : head;
    return Object.fromEntries([...kept, ['addr_info', e.addrs.map(addrToJson)]]);
  });
  return `${JSON.stringify(entries)}\n`;
}

function addrToJson(a: IfAddr): Record<string, unknown> {
  const e: [string, unknown][] = [
    ['family', a.family === 'ipv4' ? 'inet' : 'inet6'],
    ['local', formatAddr(a.local)],
  ];
  if (a.peer !== null) e.push(['address', formatAddr(a.peer)]);
  e.push(['prefixlen', a.prefixlen]);
  if (a.metric !== null) e.push(['metric', a.metric]);
  if (a.broadcast !== null) e.push(['broadcast', formatAddr(a.broadcast)]);
  e.push(['scope', a.scope]);
  if (a.secondary) e.push(['secondary', true]);
  for (const f of a.flags) e.push([f, true]);
  if (a.protocol !== undefined) e.push(['protocol', a.protocol]);
  if (a.label !== null) e.push(['label', a.label]);
  e.push(['valid_life_time', a.validLft ?? FOREVER], ['preferred_life_time', a.preferredLft ?? FOREVER]);
  return Object.fromEntries(e);
}
