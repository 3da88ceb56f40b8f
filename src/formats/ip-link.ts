/**
 * `ip [-d] link` and the device lines of `ip [-d] addr`, as text and as `-j` JSON (ip-link(8), ip-address(8); iproute2 ip/ipaddress.c print_linkinfo()).
 */
import { parseMac } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { Link } from '../link/model.js';
import { detailKey, kindRows, readKindData, slaveRows } from './ip-link-kinds.js';
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
  const kind = info.string('info_kind') ?? '';
  const data = Object.fromEntries(info.object('info_data')?.rest() ?? []);
  return {
    kind,
    // vxlan_print_opt(): JSON has no word for `ttl inherit`, and a number for every other.
    data: kind === 'vxlan' && data.id !== undefined && data.ttl === undefined ? { ...data, ttl: 'inherit' } : data,
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
    else
      reporter.error(
        'ip-link-line',
        'this is no line of ip link or ip addr',
        line.number,
        1,
        Math.max(1, line.text.length),
        'a device starts with “N: name: <FLAGS> mtu …”',
      );
  }
  return blocks;
}

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
  const b: Body = {
    linkType: 'ether',
    address: '',
    addressWord: null,
    broadcast: '',
    netnsid: null,
    kind: '',
    data: [],
    slaveKind: null,
    slaveData: [],
    altnames: [],
    detail: [],
  };
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
    const key = detailKey.get(w.text) ?? w.text;
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
  while (!words.done && !detailKey.has(words.peek() ?? '')) words.next();
  readDetail(b, words);
}
