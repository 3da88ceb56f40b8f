/** `bridge fdb`, `bridge [-d] link` and `bridge vlan`, as text and as `-j` JSON (bridge(8); iproute2 bridge/fdb.c, link.c, vlan.c). */
import { formatAddr, formatMac, parseAddr, parseMac } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { FdbEntry, Link, PortVlan } from '../link/model.js';
import type { ReadOptions } from './ip-link.js';
import { jsonEntries, looksLikeJson } from './json.js';
import { linesOf, parseWord, type Word, Words, wordsOf } from './tokens.js';

// --- fdb ---

const fdbStates = new Set(['permanent', 'static', 'stale']);

export function readBridgeFdb(text: string, options: ReadOptions): Parsed<readonly FdbEntry[]> {
  const reporter = new Reporter(options.file, text);
  return { value: looksLikeJson(text) ? fdbOfJson(text, reporter) : fdbOfText(text, reporter), diagnostics: reporter.diagnostics };
}

function fdbOfJson(text: string, reporter: Reporter): FdbEntry[] {
  const out: FdbEntry[] = [];
  for (const f of jsonEntries(text, reporter)) {
    const dev = f.need('ifname');
    if (f.need('mac') === null || dev === null) continue;
    const mac = f.parsed('mac', parseMac, 'bad-mac', 'a MAC address');
    if (mac === null) continue;
    out.push({
      mac,
      dev,
      master: f.string('master'),
      dst: f.parsed('dst', parseAddr, 'bad-address', 'an IP address'),
      vlan: f.number('vlan'),
      state: f.string('state') ?? '',
      flags: f.strings('flags'),
      port: f.number('port'),
      vni: f.number('vni'),
      via: f.string('viaIf'),
    });
  }
  return out;
}

function fdbOfText(text: string, reporter: Reporter): FdbEntry[] {
  const out: FdbEntry[] = [];
  for (const line of linesOf(text)) {
    const words = new Words(wordsOf(line), reporter, line.number);
    const first = words.next();
    if (!first) continue;
    const mac = parseWord(first, reporter, parseMac, 'bad-mac', 'a MAC address');
    if (mac === null) continue;
    const entry = fdbEntry(mac, words);
    if (entry.dev === '') reporter.error('fdb-no-device', 'this entry has no device', line.number, first.column, first.text.length, 'MAC dev DEVICE …');
    else out.push(entry);
  }
  return out;
}

function fdbEntry(mac: number, words: Words): FdbEntry {
  const e = {
    mac,
    dev: '',
    master: null as string | null,
    dst: null as FdbEntry['dst'],
    vlan: null as number | null,
    state: '',
    port: null as number | null,
    vni: null as number | null,
    via: null as string | null,
  };
  const flags: string[] = [];
  for (let w = words.next(); w; w = words.next()) {
    // Some releases print the word twice (`dev dev eth0`).
    if (w.text === 'dev') {
      if (words.peek() === 'dev' && words.peek(1) !== undefined) words.next();
      e.dev = words.value(w)?.text ?? '';
    } else if (w.text === 'master') e.master = words.value(w)?.text ?? null;
    else if (w.text === 'dst') e.dst = words.parsed(w, parseAddr, 'bad-address', 'an IP address');
    else if (w.text === 'vlan') e.vlan = words.number(w);
    else if (w.text === 'port') e.port = words.number(w);
    else if (w.text === 'vni') e.vni = words.number(w);
    else if (w.text === 'via') e.via = words.value(w)?.text ?? null;
    else if (w.text === 'used' || w.text === 'src_vni' || w.text === 'link-netnsid') words.value(w);
    else if (fdbStates.has(w.text)) e.state = w.text;
    else flags.push(w.text);
  }
  return { ...e, flags };
}

/** What `bridge fdb show` prints. */
export function writeBridgeFdb(fdb: readonly FdbEntry[]): string {
  let out = '';
  for (const e of fdb) {
    out += `${formatMac(e.mac)} dev ${e.dev} `;
    if (e.dst !== null) out += `dst ${formatAddr(e.dst)} `;
    if (e.vlan !== null) out += `vlan ${e.vlan} `;
    if (e.port !== null) out += `port ${e.port} `;
    if (e.vni !== null) out += `vni ${e.vni} `;
    if (e.via !== null) out += `via ${e.via} `;
    for (const f of e.flags) out += `${f} `;
    if (e.master !== null) out += `master ${e.master} `;
    out += `${e.state}\n`;
  }
  return out;
}

/** What `bridge -j fdb show` prints. */
export function writeBridgeFdbJson(fdb: readonly FdbEntry[]): string {
  const entries = fdb.map((e) => {
    const o: [string, unknown][] = [
      ['mac', formatMac(e.mac)],
      ['ifname', e.dev],
    ];
    if (e.dst !== null) o.push(['dst', formatAddr(e.dst)]);
    if (e.vlan !== null) o.push(['vlan', e.vlan]);
    if (e.port !== null) o.push(['port', e.port]);
    if (e.vni !== null) o.push(['vni', e.vni]);
    if (e.via !== null) o.push(['viaIf', e.via]);
    o.push(['flags', e.flags]);
    if (e.master !== null) o.push(['master', e.master]);
    o.push(['state', e.state]);
    return Object.fromEntries(o);
  });
  return `${JSON.stringify(entries)}\n`;
}

// --- link ---

/** A port as `bridge -d link` shows it: its options by their JSON keys (state, priority, cost, hairpin, isolated, …). */
export interface BridgePort {
  readonly name: string;
  readonly master: string | null;
  readonly options: readonly (readonly [string, unknown])[];
}

/** Port options of `bridge -d link`, in the order printed. */
const headOptions = ['state', 'priority', 'cost'];
const portOptions = [
  'hairpin',
  'guard',
  'root_block',
  'fastleave',
  'learning',
  'flood',
  'mcast_flood',
  'bcast_flood',
  'mcast_router',
  'mcast_to_unicast',
  'neigh_suppress',
  'vlan_tunnel',
  'isolated',
  'locked',
  'mab',
];
/** `ip -d link` calls it so in info_slave_data. */
const slaveKey = (k: string): string => (k === 'mcast_router' ? 'multicast_router' : k);

export function readBridgeLink(text: string, options: ReadOptions): Parsed<readonly BridgePort[]> {
  const reporter = new Reporter(options.file, text);
  const out: BridgePort[] = [];
  if (looksLikeJson(text)) {
    for (const f of jsonEntries(text, reporter)) {
      const name = f.need('ifname');
      if (name === null) continue;
      const master = f.string('master');
      for (const k of ['ifindex', 'link', 'flags', 'mtu']) f.get(k);
      out.push({ name, master, options: f.rest() });
    }
  } else readPortLines(text, reporter, out);
  return { value: out, diagnostics: reporter.diagnostics };
}

function readPortLines(text: string, reporter: Reporter, out: BridgePort[]): void {
  for (const line of linesOf(text)) {
    if (line.text.trim() === '') continue;
    const head = /^\d+: ([^\s@]+)(?:@\S+)?: (?:<[^>]*>)?/.exec(line.text);
    const last = out[out.length - 1];
    if (!head && !(line.indented && last)) {
      reporter.error('bridge-link-line', 'this is no line of bridge link', line.number, 1, line.text.length, '“N: port: <FLAGS> mtu … master BRIDGE state …”');
      continue;
    }
    const words = new Words(wordsOf(line, head ? head[0].length : 0), reporter, line.number);
    let master = head ? null : last.master;
    const options: [string, unknown][] = [];
    for (let w = words.next(); w; w = words.next()) {
      const v = words.value(w)?.text;
      if (v === undefined) break;
      if (w.text === 'master') master = v;
      else if (w.text !== 'mtu') options.push([w.text, v === 'on' ? true : v === 'off' ? false : /^\d+$/.test(v) ? Number(v) : v]);
    }
    if (head) out.push({ name: head[1], master, options });
    else out[out.length - 1] = { ...last, options: [...last.options, ...options] };
  }
}

/** A link with what `bridge link` knows about it where `ip -d link` did not say. */
export function withPort(link: Link, port: BridgePort): Link {
  const known = new Set(Object.keys(link.slaveData));
  const added = port.options.map(([k, v]): [string, unknown] => [slaveKey(k), v]).filter(([k]) => !known.has(k));
  return {
    ...link,
    master: link.master ?? port.master,
    slaveKind: link.slaveKind ?? 'bridge',
    slaveData: added.length === 0 ? link.slaveData : Object.fromEntries([...Object.entries(link.slaveData), ...added]),
  };
}

const optionOf = (l: Link, key: string): unknown => {
  const own = new Map(Object.entries(l.slaveData));
  return own.get(slaveKey(key));
};

/** What `bridge [-d] link show` prints for the ports among these devices. */
export function writeBridgeLink(links: readonly Link[], o: { readonly details?: boolean } = {}): string {
  let out = '';
  for (const l of links) {
    if (l.slaveKind !== 'bridge' || l.master === null) continue;
    const peer = l.link !== null ? `@${l.link}` : l.linkIndex ? `@if${l.linkIndex}` : '';
    out += `${l.ifindex}: ${l.name}${peer}: <${l.flags.join(',')}> mtu ${l.mtu} master ${l.master} `;
    for (const k of headOptions) if (optionOf(l, k) !== undefined) out += `${k} ${String(optionOf(l, k))} `;
    out += '\n';
    if (!o.details) continue;
    const shown = portOptions.filter((k) => optionOf(l, k) !== undefined);
    if (shown.length > 0) out += `    ${shown.map((k) => `${k} ${onOff(optionOf(l, k))}`).join(' ')} \n`;
  }
  return out;
}

const onOff = (v: unknown): string => (v === true ? 'on' : v === false ? 'off' : String(v));

/** What `bridge -j [-d] link show` prints. */
export function writeBridgeLinkJson(links: readonly Link[], o: { readonly details?: boolean } = {}): string {
  const entries = links
    .filter((l) => l.slaveKind === 'bridge' && l.master !== null)
    .map((l) => {
      const e: [string, unknown][] = [['ifindex', l.ifindex]];
      if (l.link !== null) e.push(['link', l.link]);
      else if (l.linkIndex) e.push(['link', `if${l.linkIndex}`]);
      e.push(['ifname', l.name], ['flags', l.flags], ['mtu', l.mtu], ['master', l.master]);
      for (const k of o.details ? [...headOptions, ...portOptions] : headOptions) if (optionOf(l, k) !== undefined) e.push([k, optionOf(l, k)]);
      return Object.fromEntries(e);
    });
  return `${JSON.stringify(entries)}\n`;
}

// --- vlan ---

export function readBridgeVlan(text: string, options: ReadOptions): Parsed<readonly PortVlan[]> {
  const reporter = new Reporter(options.file, text);
  const out: PortVlan[] = [];
  if (looksLikeJson(text)) {
    for (const f of jsonEntries(text, reporter)) {
      const dev = f.need('ifname');
      if (dev === null) continue;
      for (const v of f.objects('vlans')) {
        const from = v.number('vlan');
        if (from === null) continue;
        const flags = v.strings('flags');
        pushRange(out, dev, from, v.number('vlanEnd') ?? from, flags.includes('PVID'), flags.includes('Egress Untagged'));
      }
    }
  } else readVlanLines(text, reporter, out);
  return { value: out, diagnostics: reporter.diagnostics };
}

function pushRange(out: PortVlan[], dev: string, from: number, to: number, pvid: boolean, untagged: boolean): void {
  for (let vlan = from; vlan <= Math.min(to, 4094); vlan++) out.push({ dev, vlan, pvid, untagged });
}

function readVlanLines(text: string, reporter: Reporter, out: PortVlan[]): void {
  let dev = '';
  for (const line of linesOf(text)) {
    const words: Word[] = wordsOf(line);
    if (words.length === 0 || words[0].text === 'port') continue;
    let at = 0;
    if (!line.indented) {
      dev = words[0].text;
      at = 1;
    }
    const id = words[at];
    if (!id || id.text === 'None') continue;
    const range = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(id.text);
    if (!range || dev === '') {
      reporter.error('bridge-vlan-line', 'this is no line of bridge vlan', line.number, id.column, id.text.length, 'PORT VLAN-ID [PVID] [Egress Untagged]');
      continue;
    }
    const flags = words.slice(at + 1).map((w) => w.text);
    pushRange(out, dev, Number(range[1]), Number(range[2] ?? range[1]), flags.includes('PVID'), flags.includes('Untagged'));
  }
}

/** What `bridge vlan show` prints. */
export function writeBridgeVlan(vlans: readonly PortVlan[]): string {
  let out = 'port              vlan-id  \n';
  let dev = '';
  for (const v of vlans) {
    out += v.dev === dev ? ' '.repeat(18) : `${v.dev.padEnd(17)} `;
    dev = v.dev;
    out += `${v.vlan}${v.pvid ? ' PVID' : ''}${v.untagged ? ' Egress Untagged' : ''}\n`;
  }
  return out;
}
