/** One entry of `nodes:`: dumps of a folder, inline parts laid over them, and short forms for small nodes. */
import { type Addr, addrBits, type Family, familyOf, formatAddr, parseAddr, parseMac } from '../base/addr.js';
import type { Span } from '../base/diagnostic.js';
import { sysctlName } from '../formats/sysctl.js';
import { parseEndpoint } from '../formats/sockets.js';
import { derivedRoutes4, derivedRoutes6 } from '../fib/local-table.js';
import type { Route } from '../fib/model.js';
import type { IfAddr, Link } from '../link/model.js';
import type { NetDevice } from '../packet/types.js';
import { childFlag, childNumber, childText, didYouMean, type Loading, resolvePath, sourceOf, textsOf } from './loading.js';
import type { SocketState } from './model.js';
import { emptyNode, nodeFromFiles, type SourceText } from './node.js';
import { type NodeDraft, type PartKind, type PartOptions, parts } from './parts.js';
import { child, type Tree } from './tree.js';

/** Keys of a node whose value is a tool's text; `links`, `addresses`, `sysctl` and `sockets` also have short forms. */
const partKeys: ReadonlySet<string> = new Set<PartKind>(parts.map((p) => p.kind));

/** The node, as far as it can be read; `index` makes the MAC addresses of short forms distinct. */
export function loadNode(l: Loading, name: string, tree: Tree, index: number, kernel: string | null): NodeDraft {
  const draft: NodeDraft = { ...emptyNode(name) };
  if (kernel !== null) draft.kernel = kernel;
  if (tree.t !== 'map') return draft;
  readDumps(l, draft, tree);
  const own = childText(tree, 'kernel');
  if (own !== null) draft.kernel = own;
  const nft = childText(tree, 'backend') === 'nft';
  shortAddress(l, draft, tree, index);
  // Without a folder of dumps the scenario itself is all that there is to know about the node.
  const options: PartOptions = { allSetsKnown: child(tree, 'dumps') === undefined };
  for (const row of parts) {
    const value = child(tree, row.kind);
    if (!value || !partKeys.has(row.kind) || row.kind === 'kernel') continue;
    if (value.t === 'map' && !child(value, 'file')) shortForm(l, draft, row.kind, value, index);
    else if (row.kind === 'sockets' && value.t === 'seq') draft.sockets = readSocketList(l, value);
    else readPart(l, draft, nft && (row.kind === 'iptables' || row.kind === 'ip6tables') ? `${row.kind}-nft` : row.kind, value, options);
  }
  const listen = child(tree, 'listen');
  if (listen) draft.sockets = [...draft.sockets, ...readListen(l, listen, draft.sockets.length)];
  completeRoutes(l, draft, tree);
  checkDevices(l, draft, tree);
  return draft;
}

function readDumps(l: Loading, draft: NodeDraft, tree: Tree): void {
  const dumps = child(tree, 'dumps');
  if (!dumps || dumps.t !== 'scalar') return;
  const dir = resolvePath(dumps.span.file, sourceOf(dumps));
  const names = l.files.list(dir);
  if (names === null) {
    l.errorAt('dumps-not-found', `there is no folder “${dir}”`, dumps.span, 'a folder is relative to the file that names it');
    return;
  }
  const files: SourceText[] = [];
  for (const n of [...names].sort()) {
    const path = `${dir}/${n}`;
    const text = l.files.read(path);
    if (text === null) continue;
    l.remember(path, text);
    files.push({ path, text });
  }
  if (files.length === 0) l.errorAt('dumps-empty', `the folder “${dir}” holds no files`, dumps.span);
  const r = nodeFromFiles(draft.name, files, draft);
  Object.assign(draft, r.value);
  l.take(r.diagnostics, null);
}

/** A part given as text, or as { file: PATH }. */
function readPart(l: Loading, draft: NodeDraft, kind: PartKind, value: Tree, options: PartOptions): void {
  const row = parts.find((p) => p.kind === kind);
  if (!row) return;
  const file = child(value, 'file');
  const before = { sysctls: draft.sysctls };
  if (file) {
    const source = l.fileText(file, sourceOf(file));
    if (source) l.take(row.read(draft, source.text, source.path, options), null);
  } else if (value.t === 'scalar') l.take(row.read(draft, String(value.value ?? ''), value.span.file, options), value);
  if (kind === 'sysctl') draft.sysctls = mergedSysctls(before.sysctls, draft.sysctls);
}

/** Inline sysctls stand beside those of the dumps; of equal names the inline one counts. */
function mergedSysctls(base: NodeDraft['sysctls'], over: NodeDraft['sysctls']): NodeDraft['sysctls'] {
  const names = new Map(over.map((s) => [s.name, s]));
  const known = new Set(base.map((s) => s.name));
  return [...base.map((s) => names.get(s.name) ?? s), ...over.filter((s) => !known.has(s.name))];
}

function shortForm(l: Loading, draft: NodeDraft, kind: PartKind, value: Tree & { t: 'map' }, index: number): void {
  if (kind === 'sysctl') {
    const list: { name: string; value: string }[] = [];
    for (const e of value.entries) {
      const name = sysctlName(e.key);
      if (name === null) l.errorAt('sysctl-name', `“${e.key}” is no sysctl name`, e.keySpan, 'net.ipv4.ip_forward or net/ipv4/ip_forward');
      else list.push({ name, value: typeof (e.value.t === 'scalar' ? e.value.value : null) === 'boolean' ? (sourceOf(e.value) === 'true' ? '1' : '0') : sourceOf(e.value) });
    }
    draft.sysctls = mergedSysctls(draft.sysctls, list);
  } else if (kind === 'links') for (const e of value.entries) shortLink(l, draft, e.key, e.value, index);
  else if (kind === 'addresses') {
    for (const e of value.entries) {
      ensureLink(draft, e.key, index);
      draft.addrs = draft.addrs.filter((a) => a.dev !== e.key);
      for (const t of textsOf(e.value)) addAddress(l, draft, e.key, t);
    }
  }
}

// --- devices and addresses in short ---

/** 02:00:00:NN:NN:II of node N, device I: distinct and readable in a trace. */
const shortMac = (index: number, ifindex: number): number => 0x020000000000 + (index + 1) * 256 + ifindex;

const LO: Link = {
  name: 'lo',
  ifindex: 1,
  kind: '',
  linkType: 'loopback',
  mac: 0,
  broadcast: 0,
  mtu: 65536,
  flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
  operstate: 'UNKNOWN',
  master: null,
  link: null,
  linkIndex: null,
  linkNetnsid: null,
  group: 'default',
  qdisc: 'noqueue',
  txqlen: 1000,
  data: {},
  slaveKind: null,
  slaveData: {},
  promiscuity: 0,
  altnames: [],
  addressText: null,
  broadcastText: null,
  linkmode: 'DEFAULT',
};
const LO_ADDR: IfAddr = {
  dev: 'lo',
  family: 'ipv4',
  local: 0x7f000001,
  peer: null,
  prefixlen: 8,
  broadcast: null,
  scope: 'host',
  label: 'lo',
  secondary: false,
  flags: [],
  validLft: null,
  preferredLft: null,
  metric: null,
};

function ensureLo(draft: NodeDraft): void {
  if (draft.links.some((x) => x.name === 'lo')) return;
  draft.links = [LO, ...draft.links];
  if (!draft.addrs.some((a) => a.dev === 'lo')) draft.addrs = [LO_ADDR, ...draft.addrs];
}

function ensureLink(draft: NodeDraft, name: string, index: number): Link {
  ensureLo(draft);
  const known = draft.links.find((x) => x.name === name);
  if (known) return known;
  const ifindex = Math.max(...draft.links.map((x) => x.ifindex)) + 1;
  const link: Link = {
    ...LO,
    name,
    ifindex,
    linkType: 'ether',
    mac: shortMac(index, ifindex),
    broadcast: 0xffffffffffff,
    mtu: 1500,
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    operstate: 'UP',
  };
  draft.links = [...draft.links, link];
  return link;
}

const replaceLink = (draft: NodeDraft, link: Link): void => {
  draft.links = draft.links.map((x) => (x.name === link.name ? link : x));
};

const tunnelKinds = new Map([
  ['ipip', 1480],
  ['sit', 1480],
]);

function shortLink(l: Loading, draft: NodeDraft, name: string, tree: Tree, index: number): void {
  let link: Link = { ...ensureLink(draft, name, index) };
  const kind = childText(tree, 'kind') ?? link.kind;
  const tunnelMtu = tunnelKinds.get(kind);
  if (kind !== link.kind && tunnelMtu !== undefined) link = { ...link, ...tunnelLink(kind, tree, tunnelMtu) };
  const mac = child(tree, 'mac');
  if (mac) {
    const m = parseMac(sourceOf(mac));
    if (m === null) l.errorAt('bad-mac', `“${sourceOf(mac)}” is not a MAC address`, mac.span);
    else link = { ...link, mac: m };
  }
  const up = childFlag(tree, 'up');
  const carrier = childFlag(tree, 'carrier');
  const peer = childText(tree, 'peer');
  link = {
    ...link,
    kind: peer === null ? kind : kind || 'veth',
    mtu: childNumber(tree, 'mtu') ?? link.mtu,
    master: childText(tree, 'master') ?? link.master,
    link: peer ?? childText(tree, 'dev') ?? link.link,
    flags: flagsOf(tree, link.flags, up, carrier),
    operstate: up === false || carrier === false ? 'DOWN' : link.operstate,
    data: { ...link.data, ...dataOf(tree) },
    ...slaveOf(tree, link),
  };
  replaceLink(draft, link);
  for (const p of textsOf(child(tree, 'ports'))) {
    const port = ensureLink(draft, sourceOf(p), index);
    replaceLink(draft, { ...port, master: name, slaveKind: 'bridge' });
  }
}

function tunnelLink(kind: string, tree: Tree, mtu: number): Partial<Link> {
  return {
    kind,
    linkType: kind,
    mac: 0,
    broadcast: 0,
    mtu,
    flags: ['NOARP', 'UP', 'LOWER_UP'],
    operstate: 'UNKNOWN',
    addressText: childText(tree, 'local') ?? '0.0.0.0',
    broadcastText: childText(tree, 'remote') ?? '0.0.0.0',
    linkIndex: 0,
    data: { proto: 'ipip', remote: 'any', local: 'any', ttl: 0, pmtudisc: true },
  };
}

function flagsOf(tree: Tree, before: readonly string[], up: boolean | null, carrier: boolean | null): readonly string[] {
  const given = child(tree, 'flags');
  let flags: string[] = given ? textsOf(given).map(sourceOf) : [...before];
  if (up === false) flags = flags.filter((f) => f !== 'UP' && f !== 'LOWER_UP');
  if (carrier === false) flags = ['NO-CARRIER', ...flags.filter((f) => f !== 'LOWER_UP')];
  return flags;
}

function dataOf(tree: Tree): Record<string, unknown> {
  const out: [string, unknown][] = [];
  for (const k of ['local', 'remote', 'id'] as const) {
    const v = childText(tree, k);
    if (v !== null) out.push([k, k === 'id' ? Number(v) : v]);
  }
  const port = childNumber(tree, 'dstport');
  if (port !== null) out.push(['port', port]);
  const dev = childText(tree, 'dev');
  if (dev !== null) out.push(['link', dev]);
  return Object.fromEntries(out);
}

function slaveOf(tree: Tree, link: Link): { slaveKind: string | null; slaveData: Link['slaveData'] } {
  const out: [string, unknown][] = [];
  for (const k of ['hairpin', 'isolated', 'learning', 'flood'] as const) {
    const v = childFlag(tree, k);
    if (v !== null) out.push([k, v]);
  }
  const bridged = childText(tree, 'master') !== null || out.length > 0;
  return { slaveKind: link.slaveKind ?? (bridged ? 'bridge' : null), slaveData: { ...link.slaveData, ...Object.fromEntries(out) } };
}

/** `10.0.0.1/24` with an optional peer (`10.0.0.1 peer 10.0.0.2/32`). */
function addAddress(l: Loading, draft: NodeDraft, dev: string, tree: Tree): void {
  const m = /^(\S+?)(?:\/(\d{1,3}))?(?: peer (\S+?)(?:\/(\d{1,3}))?)?$/.exec(sourceOf(tree).trim());
  const local = m ? parseAddr(m[1]) : null;
  const peer = m?.[3] === undefined ? null : parseAddr(m[3]);
  const bits = local === null ? 0 : addrBits(familyOf(local));
  const len = Number(m?.[4] ?? m?.[2] ?? bits);
  if (!m || local === null || len > bits || (m[3] !== undefined && peer === null)) {
    l.errorAt('bad-address', `“${sourceOf(tree)}” is not an address`, tree.span, 'ADDRESS/LENGTH, as 10.0.0.1/24 or 2001:db8::1/64');
    return;
  }
  const family = familyOf(local);
  const secondary = family === 'ipv4' && draft.addrs.some((a) => a.dev === dev && a.family === family && a.prefixlen === len && peer === null && sameNet(a.local, local, len));
  draft.addrs = [...draft.addrs, { ...LO_ADDR, dev, family, local, peer, prefixlen: len, broadcast: broadcastOf(local, len, dev), scope: scopeOf(local), label: family === 'ipv4' ? dev : null, secondary }];
}

const sameNet = (a: Addr, b: Addr, len: number): boolean =>
  typeof a === 'number' && typeof b === 'number' && (len === 0 || (a ^ b) >>> (32 - len) === 0);
const broadcastOf = (a: Addr, len: number, dev: string): Addr | null => (typeof a !== 'number' || len >= 31 || dev === 'lo' ? null : (a | (0xffffffff >>> len)) >>> 0);
function scopeOf(a: Addr): string {
  if (typeof a === 'number') return a >>> 24 === 127 ? 'host' : 'global';
  const text = formatAddr(a);
  return text === '::1' ? 'host' : (a.charCodeAt(0) & 0xffc0) === 0xfe80 ? 'link' : 'global';
}

/** `address:`, `gateway:`, `mac:`, `mtu:` of a small node: all of eth0. */
function shortAddress(l: Loading, draft: NodeDraft, tree: Tree, index: number): void {
  const addresses = child(tree, 'address');
  const mac = child(tree, 'mac');
  const mtu = childNumber(tree, 'mtu');
  if (draft.links.length === 0 || addresses) ensureLo(draft);
  if (!addresses && !mac && mtu === null) return;
  let link = ensureLink(draft, 'eth0', index);
  if (mac) {
    const m = parseMac(sourceOf(mac));
    if (m === null) l.errorAt('bad-mac', `“${sourceOf(mac)}” is not a MAC address`, mac.span);
    else link = { ...link, mac: m };
  }
  if (mtu !== null) link = { ...link, mtu };
  replaceLink(draft, link);
  for (const t of textsOf(addresses)) addAddress(l, draft, 'eth0', t);
}

// --- sockets ---

function readListen(l: Loading, tree: Tree, from: number): SocketState[] {
  const out: SocketState[] = [];
  for (const t of textsOf(tree)) {
    const text = sourceOf(t).trim();
    const m = /^(tcp|udp)[/ ](.*)$/.exec(text);
    const end = m ? parseEndpoint(/^\d+$/.test(m[2]) ? `*:${m[2]}` : m[2]) : null;
    if (!m || !end) l.errorAt('bad-endpoint', `“${text}” is no socket`, t.span, 'tcp/80, udp/10.0.0.1:53, tcp/[::]:80');
    else out.push({ id: `srv${from + out.length}`, proto: m[1] as 'tcp' | 'udp', addr: end.addr, port: end.port, dev: end.dev, uid: 0, transparent: false });
  }
  return out;
}

function readSocketList(l: Loading, tree: Tree): SocketState[] {
  const out: SocketState[] = [];
  for (const item of textsOf(tree)) {
    if (item.t === 'scalar') {
      out.push(...readListen(l, item, out.length));
      continue;
    }
    const address = child(item, 'address');
    const addr = address ? parseAddr(sourceOf(address)) : 0;
    if (addr === null) {
      l.errorAt('bad-address', `“${sourceOf(address)}” is not an IP address`, address?.span ?? item.span);
      continue;
    }
    out.push({
      id: childText(item, 'id') ?? `srv${out.length}`,
      proto: childText(item, 'proto') === 'udp' ? 'udp' : 'tcp',
      addr,
      port: childNumber(item, 'port') ?? 0,
      dev: childText(item, 'dev'),
      uid: childNumber(item, 'uid') ?? 0,
      transparent: childFlag(item, 'transparent') ?? false,
    });
  }
  return out;
}

// --- routes ---

/**
 * Routes that a person leaves out because Linux adds them: the local table where the text has none, and the connected routes where it lists none of the kernel's.
 * A node without any routes keeps null: the stack derives them all.
 */
function completeRoutes(l: Loading, draft: NodeDraft, tree: Tree): void {
  const gateways = textsOf(child(tree, 'gateway'));
  const inline = child(tree, 'routes') !== undefined || child(tree, 'routes6') !== undefined || gateways.length > 0;
  const added: Route[] = [];
  for (const t of gateways) {
    const route = gatewayRoute(l, draft, tree, t);
    if (route) added.push(route);
  }
  if (draft.routes === null && added.length === 0) return;
  const stated = [...(draft.routes ?? []), ...added];
  const out: Route[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const mine = stated.filter((r) => r.family === family);
    const hasLocal = mine.some((r) => r.table === 255);
    const hasKernel = mine.some((r) => r.table !== 255 && r.protocol === 'kernel');
    const derived = derivedRoutes(draft, family).filter((r) => (r.table === 255 ? !hasLocal : inline && !hasKernel));
    out.push(...mine, ...derived.filter((d) => !mine.some((r) => r.table === d.table && r.dst === d.dst && r.dstLen === d.dstLen && r.metric === d.metric && r.type === d.type)));
  }
  draft.routes = out;
}

function gatewayRoute(l: Loading, draft: NodeDraft, tree: Tree, t: Tree): Route | null {
  const gateway = parseAddr(sourceOf(t));
  if (gateway === null) {
    l.errorAt('bad-address', `“${sourceOf(t)}” is not an IP address`, t.span);
    return null;
  }
  const family = familyOf(gateway);
  const via = draft.addrs.find((a) => a.family === family && a.dev !== 'lo' && sameNetwork(a, gateway)) ?? draft.addrs.find((a) => a.dev === 'eth0' && a.family === family);
  if (!via) {
    // An address that could not be read has been reported already.
    if ((child(tree, 'address') || child(tree, 'addresses')) && !draft.addrs.some((a) => a.dev !== 'lo')) return null;
    l.errorAt('gateway-unreachable', `no address of this node shares a network with the gateway ${sourceOf(t)}`, t.span, 'give the node an address first, or write routes:');
    return null;
  }
  const onlink = !sameNetwork(via, gateway);
  return {
    family,
    type: 'unicast',
    dst: family === 'ipv4' ? 0 : '\0\0\0\0\0\0\0\0',
    dstLen: 0,
    src: null,
    table: 254,
    tos: 0,
    metric: family === 'ipv4' ? 0 : 1024,
    prefsrc: null,
    scope: 'global',
    protocol: 'boot',
    nexthops: [{ gateway, dev: via.dev, weight: 1, flags: onlink ? ['onlink'] : [] }],
    metrics: {},
    lock: [],
    pref: family === 'ipv6' ? 'medium' : null,
    expires: null,
    error: null,
    realms: null,
    flags: onlink ? ['onlink'] : [],
    nhid: null,
  };
}

function sameNetwork(a: IfAddr, gateway: Addr): boolean {
  const net = a.peer ?? a.local;
  if (typeof net === 'number' || typeof gateway === 'number') return sameNet(net, gateway, a.prefixlen);
  for (let bit = 0; bit < a.prefixlen; bit++) {
    const mask = 0x8000 >> (bit & 15);
    if ((net.charCodeAt(bit >> 4) & mask) !== (gateway.charCodeAt(bit >> 4) & mask)) return false;
  }
  return true;
}

function derivedRoutes(draft: NodeDraft, family: Family): Route[] {
  const devices = draft.links.map(deviceOf);
  const forwarding = draft.sysctls.some((s) => s.name === 'net/ipv6/conf/all/forwarding' && s.value === '1');
  return family === 'ipv4' ? derivedRoutes4(draft.addrs, devices) : derivedRoutes6(draft.addrs, devices, forwarding);
}

/** As much of a device as routes depend on. */
function deviceOf(l: Link): NetDevice {
  return {
    name: l.name,
    ifindex: l.ifindex,
    kind: l.kind,
    linkType: l.linkType,
    mac: l.mac,
    mtu: l.mtu,
    up: l.flags.includes('UP'),
    carrier: l.flags.includes('LOWER_UP'),
    loopback: l.linkType === 'loopback',
    noarp: l.flags.includes('NOARP'),
    pointToPoint: l.flags.includes('POINTOPOINT'),
    promisc: l.flags.includes('PROMISC'),
    master: l.master,
    group: 0,
  };
}

/** Addresses, neighbours and routes name devices: one that is not there is an error at the part that names it. */
function checkDevices(l: Loading, draft: NodeDraft, tree: Tree): void {
  if (draft.links.length === 0) return;
  const names = new Set(draft.links.map((x) => x.name));
  const missing = (dev: string | null, key: string): void => {
    if (dev === null || names.has(dev)) return;
    const part = child(tree, key);
    const span: Span = part ? placeOfWord(l, part, dev) : tree.span;
    l.errorAt('unknown-device', `node “${draft.name}” has no device “${dev}”`, span, didYouMean(dev, names, 'devices'));
    names.add(dev);
  };
  if (child(tree, 'addresses')) for (const a of draft.addrs) missing(a.dev, 'addresses');
  if (child(tree, 'neigh')) for (const n of draft.neighs) missing(n.dev, 'neigh');
  if (child(tree, 'routes') || child(tree, 'routes6'))
    for (const r of draft.routes ?? []) for (const h of r.nexthops) missing(h.dev, r.family === 'ipv4' ? 'routes' : 'routes6');
}

/** Where a word stands inside an inline text. */
function placeOfWord(l: Loading, part: Tree, word: string): Span {
  if (part.t !== 'scalar' || !part.block) return part.span;
  const lines = String(part.value).split('\n');
  for (let i = 0; i < lines.length; i++) {
    const file = part.span.file;
    const at = ` ${l.line(file, part.block.line + i)} `.search(new RegExp(`\\s${word.replace(/[^\w-]/g, '\\$&')}\\s`));
    if (at >= 0) return { file, line: part.block.line + i, column: at + 1, length: word.length };
  }
  return part.span;
}
