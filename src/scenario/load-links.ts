/** Devices and addresses in short: a name is enough, the rest follows. */
import { type Addr, addrBits, familyOf, formatAddr, parseAddr, parseMac } from '../base/addr.js';
import { etherLink, LOOPBACK, LOOPBACK_ADDR } from '../link/defaults.js';
import type { Link } from '../link/model.js';
import { childFlag, childNumber, childText, type Loading, sourceOf, textsOf } from './loading.js';
import type { NodeDraft } from './parts.js';
import { child, type Tree } from './tree.js';

/** 02:00:00:NN:NN:II of node N, device I: distinct and readable in a trace. */
const shortMac = (index: number, ifindex: number): number => 0x020000000000 + (index + 1) * 256 + ifindex;

function ensureLo(draft: NodeDraft): void {
  if (draft.links.some((x) => x.name === 'lo')) return;
  draft.links = [LOOPBACK, ...draft.links];
  if (!draft.addrs.some((a) => a.dev === 'lo')) draft.addrs = [LOOPBACK_ADDR, ...draft.addrs];
}

export function ensureLink(draft: NodeDraft, name: string, index: number): Link {
  ensureLo(draft);
  const known = draft.links.find((x) => x.name === name);
  if (known) return known;
  const ifindex = Math.max(...draft.links.map((x) => x.ifindex)) + 1;
  const link = etherLink(name, ifindex, shortMac(index, ifindex));
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

export function shortLink(l: Loading, draft: NodeDraft, name: string, tree: Tree, index: number): void {
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
export function addAddress(l: Loading, draft: NodeDraft, dev: string, tree: Tree): void {
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
  const secondary =
    family === 'ipv4' && draft.addrs.some((a) => a.dev === dev && a.family === family && a.prefixlen === len && peer === null && sameNet(a.local, local, len));
  draft.addrs = [
    ...draft.addrs,
    {
      ...LOOPBACK_ADDR,
      dev,
      family,
      local,
      peer,
      prefixlen: len,
      broadcast: broadcastOf(local, len, dev),
      scope: scopeOf(local),
      label: family === 'ipv4' ? dev : null,
      secondary,
    },
  ];
}

/**
 * What the kernel adds by itself on a node that speaks IPv6 (addrconf_addr_gen(), EUI-64): ::1, and a link-local address on every Ethernet device that is up and has none.
 * Only for short forms; a text from `ip addr` has them or says that they are not there.
 */
export function addLinkLocals(draft: NodeDraft): void {
  const speaks = draft.addrs.some((a) => a.family === 'ipv6' && a.dev !== 'lo') || draft.ip6tables !== null || draft.routes?.some((r) => r.family === 'ipv6');
  if (!speaks) return;
  const has = (dev: string, scope: string): boolean => draft.addrs.some((a) => a.dev === dev && a.family === 'ipv6' && a.scope === scope);
  const v6 = { ...LOOPBACK_ADDR, family: 'ipv6' as const, label: null };
  if (!has('lo', 'host')) draft.addrs = [...draft.addrs, { ...v6, local: '\0\0\0\0\0\0\0\u0001', prefixlen: 128 }];
  for (const l of draft.links) {
    if (l.linkType !== 'ether' || !l.flags.includes('UP') || has(l.name, 'link')) continue;
    draft.addrs = [...draft.addrs, { ...v6, dev: l.name, local: linkLocal(l.mac), prefixlen: 64, scope: 'link' }];
  }
}

/** fe80::/64 with the MAC in the lower half: universal bit flipped, ff:fe in the middle. */
function linkLocal(mac: number): Addr {
  const [high, low] = [Math.floor(mac / 0x1000000), mac % 0x1000000];
  return String.fromCharCode(0xfe80, 0, 0, 0, (high >>> 8) ^ 0x0200, ((high & 255) << 8) | 0xff, 0xfe00 | (low >>> 16), low & 0xffff);
}

/** Do two IPv4 addresses share a network of that length? */
export const sameNet = (a: Addr, b: Addr, len: number): boolean =>
  typeof a === 'number' && typeof b === 'number' && (len === 0 || (a ^ b) >>> (32 - len) === 0);
const broadcastOf = (a: Addr, len: number, dev: string): Addr | null =>
  typeof a !== 'number' || len >= 31 || dev === 'lo' ? null : (a | (0xffffffff >>> len)) >>> 0;
function scopeOf(a: Addr): string {
  if (typeof a === 'number') return a >>> 24 === 127 ? 'host' : 'global';
  const text = formatAddr(a);
  return text === '::1' ? 'host' : (a.charCodeAt(0) & 0xffc0) === 0xfe80 ? 'link' : 'global';
}

/** `address:`, `gateway:`, `mac:`, `mtu:` of a small node: all of eth0. */
export function shortAddress(l: Loading, draft: NodeDraft, tree: Tree, index: number): void {
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
