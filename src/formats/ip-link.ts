/**
 * `ip [-d] link` and the device lines of `ip [-d] addr`, as text and as `-j` JSON (ip-link(8), ip-address(8); iproute2 ip/ipaddress.c print_linkinfo()).
 */
import { formatMac, parseMac } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { Link } from '../link/model.js';
import { kindRows, readKindData, slaveRows, writeKindData } from './ip-link-kinds.js';
import { type JsonFields, jsonEntries, looksLikeJson } from './json.js';
import { type Line, linesOf, Words, wordsOf } from './tokens.js';

export interface ReadOptions {
  /** Name of the source in diagnostics. */
  readonly file: string;
}

/** Devices of `ip [-d] link`, `ip [-d] addr` or their `-j` form. Of an address dump the addresses are passed over. */
export function readIpLink(text: string, options: ReadOptions): Parsed<readonly Link[]> {
  const reporter = new Reporter(options.file, text);
  const links: Link[] = [];
  if (looksLikeJson(text)) {
    for (const entry of jsonEntries(text, reporter)) {
      const link = linkOfJson(entry);
      if (link) links.push(link);
    }
  } else {
    for (const block of linkBlocks(text, reporter)) {
      const link = linkOfText(block, reporter);
      if (link) links.push(link);
    }
  }
  return { value: links, diagnostics: reporter.diagnostics };
}

// --- JSON ---

const notDetail = new Set(['addr_info', 'linkinfo']);

export function linkOfJson(f: JsonFields): Link | null {
  const name = f.need('ifname');
  if (name === null) return null;
  const linkType = f.string('link_type') ?? 'ether';
  const linkNode = f.get('link');
  const info = infoOfJson(f);
  f.get('link_pointtopoint');
  const addressText = f.string('address');
  const broadcastText = f.string('broadcast');
  const mac = addressText === null ? null : parseMac(addressText);
  if (mac === null && linkType === 'ether' && addressText !== null) f.error('bad-mac', `“${addressText}” is not a MAC address`, f.get('address'));
  const promiscuity = f.has('promiscuity') ? (f.number('promiscuity') ?? 0) : 0;
  const link: Link = {
    name,
    ifindex: f.number('ifindex') ?? 0,
    kind: info.kind,
    linkType,
    mac: mac ?? 0,
    broadcast: (broadcastText === null ? null : parseMac(broadcastText)) ?? 0,
    mtu: f.number('mtu') ?? 1500,
    flags: f.strings('flags'),
    operstate: f.string('operstate') ?? 'UNKNOWN',
    master: f.string('master'),
    link: linkNode?.t === 'string' ? linkNode.value : null,
    linkIndex: linkNode?.t === 'literal' && linkNode.value === null ? 0 : f.number('link_index'),
    linkNetnsid: f.number('link_netnsid'),
    group: f.string('group') ?? 'default',
    qdisc: f.string('qdisc') ?? '',
    txqlen: f.number('txqlen'),
    data: info.data,
    slaveKind: info.slaveKind,
    slaveData: info.slaveData,
    promiscuity,
    altnames: f.strings('altnames'),
    addressText: mac !== null ? null : (addressText ?? ''),
    broadcastText: mac !== null ? null : broadcastText,
    linkmode: f.string('linkmode'),
  };
  const detail = f.rest().filter(([k]) => !notDetail.has(k));
  if (f.has('promiscuity')) detail.unshift(['promiscuity', promiscuity]);
  return detail.length > 0 ? { ...link, detail } : link;
}

interface Info {
  kind: string;
  data: Readonly<Record<string, unknown>>;
  slaveKind: string | null;
  slaveData: Readonly<Record<string, unknown>>;
}
const NONE: Readonly<Record<string, unknown>> = {};

function infoOfJson(f: JsonFields): Info {
  const info = f.object('linkinfo');
  if (!info) return { kind: '', data: NONE, slaveKind: null, slaveData: NONE };
  return {
    kind: info.string('info_kind') ?? '',
    data: Object.fromEntries(info.object('info_data')?.rest() ?? []),
    slaveKind: info.string('info_slave_kind'),
    slaveData: Object.fromEntries(info.object('info_slave_data')?.rest() ?? []),
  };
}

// --- text ---

/** Lines of one device: `N: name: <…>` and the indented ones below it. */
export interface LinkBlock {
  readonly head: Line;
  readonly body: readonly Line[];
}

const HEAD = /^(\d+): ((?:\S(?!: <))*\S): <([^>]*)>/;

export function linkBlocks(text: string, reporter: Reporter): LinkBlock[] {
  const blocks: { head: Line; body: Line[] }[] = [];
  for (const line of linesOf(text)) {
    if (line.text.trim() === '') continue;
    if (HEAD.test(line.text)) {
      // `ip -o` puts everything in one line, with a backslash where a line would end.
      const [first, ...rest] = line.text.split('\\');
      let column = first.length + 1;
      const body = rest.map((t) => {
        const padded: Line = { text: `${' '.repeat(column)}${t}`, number: line.number, indented: true };
        column += t.length + 1;
        return padded;
      });
      blocks.push({ head: { ...line, text: first }, body });
    } else if (line.indented && blocks.length > 0) blocks[blocks.length - 1].body.push(line);
    else reporter.error('ip-link-line', 'this is no line of ip link or ip addr', line.number, 1, Math.max(1, line.text.length), 'a device starts with “N: name: <FLAGS> mtu …”');
  }
  return blocks;
}

/** Keys of the detail part: word in the text, key in JSON. */
const detailWords: readonly (readonly [string, string])[] = [
  ['promiscuity', 'promiscuity'],
  ['allmulti', 'allmulti'],
  ['minmtu', 'min_mtu'],
  ['maxmtu', 'max_mtu'],
  ['addrgenmode', 'inet6_addr_gen_mode'],
  ['numtxqueues', 'num_tx_queues'],
  ['numrxqueues', 'num_rx_queues'],
  ['gso_max_size', 'gso_max_size'],
  ['gso_max_segs', 'gso_max_segs'],
  ['tso_max_size', 'tso_max_size'],
  ['tso_max_segs', 'tso_max_segs'],
  ['gro_max_size', 'gro_max_size'],
  ['gso_ipv4_max_size', 'gso_ipv4_max_size'],
  ['gro_ipv4_max_size', 'gro_ipv4_max_size'],
];
const wordToKey = new Map(detailWords);
const keyToWord = new Map(detailWords.map(([w, k]) => [k, w]));

/** ifname@peer: the part behind the last @ is an index in another namespace (`if5`), a device, or NONE. */
function splitName(full: string): { name: string; link: string | null; linkIndex: number | null } {
  const at = full.lastIndexOf('@');
  if (at <= 0) return { name: full, link: null, linkIndex: null };
  const name = full.slice(0, at);
  const peer = full.slice(at + 1);
  if (peer === 'NONE') return { name, link: null, linkIndex: 0 };
  const m = /^if(\d+)$/.exec(peer);
  return m ? { name, link: null, linkIndex: Number(m[1]) } : { name, link: peer, linkIndex: null };
}

export function linkOfText(block: LinkBlock, reporter: Reporter): Link | null {
  const m = HEAD.exec(block.head.text);
  if (!m) return null;
  const { name, link, linkIndex } = splitName(m[2]);
  const head = new Map<string, string>();
  const words = new Words(wordsOf(block.head, m[0].length), reporter, block.head.number);
  for (let w = words.next(); w; w = words.next()) {
    const v = words.value(w);
    if (v) head.set(w.text, v.text);
  }
  const b = readBody(block, reporter);
  const mac = b.address === '' ? null : parseMac(b.address);
  if (mac === null && b.linkType === 'ether' && b.addressWord) {
    reporter.error('bad-mac', `“${b.address}” is not a MAC address`, b.addressWord.line, b.addressWord.column, b.address.length);
  }
  const number = (key: string): number | null => {
    const v = head.get(key);
    return v === undefined || !/^\d+$/.test(v) ? null : Number(v);
  };
  const result: Link = {
    name,
    ifindex: Number(m[1]),
    kind: b.kind,
    linkType: b.linkType,
    mac: mac ?? 0,
    broadcast: parseMac(b.broadcast) ?? 0,
    mtu: number('mtu') ?? 1500,
    flags: m[3] === '' ? [] : m[3].split(','),
    operstate: head.get('state') ?? 'UNKNOWN',
    master: head.get('master') ?? null,
    link,
    linkIndex,
    linkNetnsid: b.netnsid,
    group: head.get('group') ?? 'default',
    qdisc: head.get('qdisc') ?? '',
    txqlen: number('qlen'),
    data: Object.fromEntries(b.data),
    slaveKind: b.slaveKind,
    slaveData: Object.fromEntries(b.slaveData),
    promiscuity: Number(b.detail.find(([k]) => k === 'promiscuity')?.[1] ?? 0),
    altnames: b.altnames,
    addressText: mac !== null ? null : b.address,
    broadcastText: mac !== null || b.broadcast === '' ? null : b.broadcast,
    linkmode: head.get('mode') ?? null,
  };
  return b.detail.length > 0 ? { ...result, detail: b.detail } : result;
}

interface Body {
  linkType: string;
  address: string;
  addressWord: { line: number; column: number } | null;
  broadcast: string;
  netnsid: number | null;
  kind: string;
  data: [string, unknown][];
  slaveKind: string | null;
  slaveData: [string, unknown][];
  altnames: string[];
  detail: [string, unknown][];
}

function readBody(block: LinkBlock, reporter: Reporter): Body {
  const b: Body = { linkType: 'ether', address: '', addressWord: null, broadcast: '', netnsid: null, kind: '', data: [], slaveKind: null, slaveData: [], altnames: [], detail: [] };
  for (const line of block.body) {
    const first = wordsOf(line)[0];
    if (!first || first.text === 'inet' || first.text === 'inet6' || first.text === 'valid_lft') continue;
    if (/^(RX|TX)/.test(first.text) || /^\d+$/.test(first.text)) continue;
    const words = new Words(wordsOf(line), reporter, line.number);
    const start = words.next();
    if (!start) continue;
    if (start.text.startsWith('link/')) readLinkLine(b, start.text.slice(5), words);
    else if (start.text === 'altname') b.altnames.push(words.value(start)?.text ?? '');
    else readKindLine(b, start.text, words);
  }
  return b;
}

function readLinkLine(b: Body, linkType: string, words: Words): void {
  b.linkType = linkType;
  const keys = new Set(['brd', 'peer', 'link-netnsid', 'link-netns', 'promiscuity', 'permaddr']);
  const next = words.peek();
  if (next !== undefined && !keys.has(next)) {
    const w = words.next();
    b.address = next;
    b.addressWord = w ?? null;
  }
  for (let w = words.next(); w; w = words.next()) {
    if (w.text === 'brd' || w.text === 'peer') b.broadcast = words.value(w)?.text ?? '';
    else if (w.text === 'link-netnsid') b.netnsid = words.number(w);
    else if (w.text === 'link-netns' || w.text === 'permaddr') words.value(w);
    else {
      words.back();
      readDetail(b, words);
      return;
    }
  }
}

function readDetail(b: Body, words: Words): void {
  for (let w = words.next(); w; w = words.next()) {
    const key = wordToKey.get(w.text) ?? w.text;
    const v = words.value(w)?.text;
    if (v !== undefined) b.detail.push([key, /^\d+$/.test(v) ? Number(v) : v]);
  }
}

/** `    veth …` or `    bridge_slave …`, then the rest of the detail. */
function readKindLine(b: Body, word: string, words: Words): void {
  const slave = word.endsWith('_slave') ? word.slice(0, -6) : null;
  const rows = slave === null ? kindRows.get(word) : slaveRows.get(slave);
  const data = readKindData(rows ?? [], words);
  if (slave === null) {
    b.kind = word;
    b.data = data;
  } else {
    b.slaveKind = slave;
    b.slaveData = data;
  }
  // Options of kinds that have no table here stand between; they are passed over up to the first word known.
  while (!words.done && !wordToKey.has(words.peek() ?? '')) words.next();
  readDetail(b, words);
}

// --- writing ---

export interface WriteLinkOptions {
  /** -d */
  readonly details?: boolean;
  /** `ip addr` leaves the link mode out. */
  readonly withMode?: boolean;
}

const isPtp = (l: Link): boolean => l.flags.includes('POINTOPOINT');
const addressOf = (l: Link): string => l.addressText ?? formatMac(l.mac);
const broadcastOf = (l: Link): string | null => (l.addressText === null ? formatMac(l.broadcast) : l.broadcastText);

/** The device lines for one link, without a final newline. */
export function linkLines(l: Link, o: WriteLinkOptions): string {
  const peer = l.link !== null ? `@${l.link}` : l.linkIndex === null ? '' : l.linkIndex === 0 ? '@NONE' : `@if${l.linkIndex}`;
  let out = `${l.ifindex}: ${l.name}${peer}: <${l.flags.join(',')}> mtu ${l.mtu}`;
  if (l.qdisc !== '') out += ` qdisc ${l.qdisc}`;
  if (l.master !== null) out += ` master ${l.master}`;
  out += ` state ${l.operstate}`;
  if (o.withMode !== false && l.linkmode != null) out += ` mode ${l.linkmode}`;
  out += ` group ${l.group}`;
  if (l.txqlen !== null) out += ` qlen ${l.txqlen}`;
  out += `\n    link/${l.linkType}`;
  const address = addressOf(l);
  const broadcast = broadcastOf(l);
  if (address !== '') out += ` ${address}`;
  else if (!o.details) out += ' ';
  if (broadcast !== null) out += ` ${isPtp(l) ? 'peer' : 'brd'} ${broadcast}`;
  if (l.linkNetnsid !== null) out += ` link-netnsid ${l.linkNetnsid}`;
  if (o.details) out += detailText(l);
  for (const a of l.altnames) out += `\n    altname ${a}`;
  return out;
}

function detailText(l: Link): string {
  const detail = l.detail ?? [];
  const before = detail.filter(([k]) => ['promiscuity', 'allmulti', 'min_mtu', 'max_mtu'].includes(k));
  const after = detail.filter((d) => !before.includes(d));
  let out = '';
  for (const [k, v] of before) out += ` ${keyToWord.get(k) ?? k} ${k === 'promiscuity' && before.length > 1 ? `${l.promiscuity} ` : String(v)}`;
  if (before.length > 0) out += ' ';
  if (l.kind !== '') out += `\n    ${l.kind}${writeKindData(kindRows.get(l.kind) ?? [], new Map(Object.entries(l.data)))} `;
  if (l.slaveKind !== null) out += `\n    ${l.slaveKind}_slave${writeKindData(slaveRows.get(l.slaveKind) ?? [], new Map(Object.entries(l.slaveData)))} `;
  if (after.length > 0) out += `${after.map(([k, v]) => `${keyToWord.get(k) ?? k} ${String(v)}`).join(' ')} `;
  return out;
}

/** What `ip [-d] link` prints. */
export function writeIpLink(links: readonly Link[], o: WriteLinkOptions = {}): string {
  return links.map((l) => `${linkLines(l, o)}\n`).join('');
}

/** One entry of `ip -j [-d] link`, keys in the order of the tool. */
export function linkToJson(l: Link, o: WriteLinkOptions): [string, unknown][] {
  const e: [string, unknown][] = [['ifindex', l.ifindex]];
  if (l.link !== null) e.push(['link', l.link]);
  else if (l.linkIndex === 0) e.push(['link', null]);
  else if (l.linkIndex !== null) e.push(['link_index', l.linkIndex]);
  e.push(['ifname', l.name], ['flags', l.flags], ['mtu', l.mtu]);
  if (l.qdisc !== '') e.push(['qdisc', l.qdisc]);
  if (l.master !== null) e.push(['master', l.master]);
  e.push(['operstate', l.operstate]);
  if (o.withMode !== false && l.linkmode != null) e.push(['linkmode', l.linkmode]);
  e.push(['group', l.group]);
  if (l.txqlen !== null) e.push(['txqlen', l.txqlen]);
  e.push(['link_type', l.linkType]);
  if (addressOf(l) !== '') e.push(['address', addressOf(l)]);
  const broadcast = broadcastOf(l);
  if (broadcast !== null) {
    if (isPtp(l)) e.push(['link_pointtopoint', true]);
    e.push(['broadcast', broadcast]);
  }
  if (l.linkNetnsid !== null) e.push(['link_netnsid', l.linkNetnsid]);
  if (o.details) pushDetail(l, e);
  if (l.altnames.length > 0) e.push(['altnames', l.altnames]);
  return e;
}

function pushDetail(l: Link, e: [string, unknown][]): void {
  const detail = l.detail ?? [];
  const before = detail.filter(([k]) => ['promiscuity', 'allmulti', 'min_mtu', 'max_mtu'].includes(k));
  e.push(...before.map(([k, v]): [string, unknown] => [k, k === 'promiscuity' ? l.promiscuity : v]));
  const info: [string, unknown][] = [];
  if (l.kind !== '') info.push(['info_kind', l.kind]);
  if (Object.keys(l.data).length > 0) info.push(['info_data', l.data]);
  if (l.slaveKind !== null) info.push(['info_slave_kind', l.slaveKind], ['info_slave_data', l.slaveData]);
  if (info.length > 0) e.push(['linkinfo', Object.fromEntries(info)]);
  for (const d of detail) if (!before.includes(d)) e.push([d[0], d[1]]);
}

/** What `ip -j [-d] link` prints: one line. */
export function writeIpLinkJson(links: readonly Link[], o: WriteLinkOptions = {}): string {
  return `${JSON.stringify(links.map((l) => Object.fromEntries(linkToJson(l, o))))}\n`;
}
