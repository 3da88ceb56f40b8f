/** `ip addr`: inet_rtm_newaddr(), __inet_del_ifa() (net/ipv4/devinet.c), inet6_addr_add(), with what iproute2 fills in; listings. */
import { type Addr, addrBits, type Family, familyOf, inPrefix, maskToPrefix, notAddr, orAddr, parseAddr, prefixMask } from '../../base/addr.js';
import { writeIpAddr, writeIpAddrJson } from '../../formats/ip-addr.js';
import { type Prefix, parsePrefix } from '../../formats/rt-names.js';
import type { IfAddr, Link } from '../../link/model.js';
import type { NodeState } from '../../scenario/model.js';
import { withAddrs } from '../netdev.js';
import { addresses, devices } from '../netlink.js';
import { kernelSays, Refusal } from '../refusal.js';
import { type Answer, said } from '../tool.js';
import { byBeginning, Clauses, type IpCommand, type IpObject, noDevice, verb, wrong } from './command.js';
import { briefAddr, filterLinks } from './link-list.js';

const VERBS = ['add', 'change', 'chg', 'replace', 'delete', 'show', 'list', 'lst', 'flush', 'save', 'showdump', 'restore', 'help'];
const SCOPES = new Set(['global', 'site', 'link', 'host', 'nowhere']);
const FLAGS = [
  'home',
  'nodad',
  'mngtmpaddr',
  'noprefixroute',
  'autojoin',
  'dadfailed',
  'temporary',
  'secondary',
  'tentative',
  'deprecated',
  'dynamic',
  'permanent',
];

interface Asked {
  readonly entry: IfAddr;
  readonly hasLen: boolean;
}

function parseLocal(text: string, family: Family | null): { addr: Addr; len: number; hasLen: boolean } {
  const [a, m] = text.split('/');
  const addr = parseAddr(a);
  if (addr === null || (family !== null && familyOf(addr) !== family)) {
    const kind = family === null ? 'any valid' : family === 'ipv4' ? 'inet' : 'inet6';
    throw new Refusal(`Error: ${kind} prefix is expected rather than "${text}".`, { code: 'ip-prefix', word: text, status: 1 });
  }
  const bits = addrBits(familyOf(addr));
  if (m === undefined) return { addr, len: bits, hasLen: false };
  const mask = m.includes('.') ? parseAddr(m) : null;
  const len = mask !== null ? maskToPrefix(mask) : /^\d{1,3}$/.test(m) ? Number(m) : -1;
  if (len < 0 || len > bits)
    throw new Refusal(`Error: ${familyOf(addr) === 'ipv4' ? 'inet' : 'inet6'} prefix is expected rather than "${text}".`, {
      code: 'ip-prefix',
      word: text,
      status: 1,
    });
  return { addr, len, hasLen: true };
}

function lifetime(w: Clauses, k: string): number | null {
  const t = w.value(k);
  if (t === 'forever') return null;
  return /^\d{1,10}$/.test(t) ? Number(t) : wrong(t, `${k} value`);
}

function read(n: NodeState, words: readonly string[], family: Family | null): Asked {
  let local: ReturnType<typeof parseLocal> | null = null;
  let peer: ReturnType<typeof parseLocal> | null = null;
  let brd: Addr | '+' | '-' | null = null;
  let dev: string | null = null;
  let label: string | null = null;
  let scope: string | null = null;
  let metric: number | null = null;
  let validLft: number | null = null;
  let preferredLft: number | null = null;
  const flags: string[] = [];
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'dev') dev = w.value(k);
    else if (k === 'peer' || k === 'remote') peer = parseLocal(w.value(k), family);
    else if (k === 'broadcast' || k === 'brd') {
      const t = w.value(k);
      brd = t === '+' || t === '-' ? t : (parseAddr(t) ?? wrong(t, 'invalid broadcast address.'));
    } else if (k === 'label') label = w.value(k);
    else if (k === 'scope') {
      const t = w.value(k);
      scope = SCOPES.has(t) || /^\d{1,3}$/.test(t) ? t : wrong(t, 'invalid scope value.');
    } else if (k === 'metric' || k === 'priority' || k === 'preference') metric = Number(w.value(k));
    else if (k === 'valid_lft') validLft = lifetime(w, k);
    else if (k === 'preferred_lft') preferredLft = lifetime(w, k);
    else if (k === 'proto') w.value(k);
    else if (FLAGS.includes(k)) flags.push(k);
    else {
      const text = k === 'local' ? w.value(k) : k;
      if (local !== null) throw new Refusal(`Error: either "local" is duplicate, or "${text}" is a garbage.`, { code: 'ip-garbage', word: text, status: 255 });
      local = parseLocal(text, family);
    }
  }
  if (dev === null) throw new Refusal('Not enough information: "dev" argument is required.', { code: 'ip-incomplete', status: 255 });
  if (local === null) throw new Refusal('Cannot find local address: "local" argument is required.', { code: 'ip-incomplete', status: 255 });
  if (!devices(n).some((d) => d.name === dev)) noDevice(dev);
  const f = familyOf(local.addr);
  const len = peer?.len ?? local.len;
  const loop = f === 'ipv4' ? (local.addr as number) >>> 24 === 127 : local.addr === parseAddr('::1');
  const linkLocal = f === 'ipv6' && ((local.addr as string).charCodeAt(0) & 0xffc0) === 0xfe80;
  const entry: IfAddr = {
    dev,
    family: f,
    local: local.addr,
    peer: peer?.addr ?? null,
    prefixlen: len,
    broadcast:
      brd === '+' || brd === '-'
        ? len >= 31 || f === 'ipv6'
          ? null
          : brd === '+'
            ? orAddr(local.addr, notAddr(prefixMask(f, len)))
            : networkAddr(local.addr, len)
        : brd,
    scope: f === 'ipv4' ? (scope ?? (loop ? 'host' : 'global')) : loop ? 'host' : linkLocal ? 'link' : 'global',
    label: f === 'ipv4' ? (label ?? dev) : null,
    secondary: false,
    flags: flags.filter((x) => (x !== 'permanent' && x !== 'nodad') || (x === 'nodad' && f === 'ipv6')),
    validLft,
    preferredLft,
    metric,
  };
  return { entry, hasLen: local.hasLen || peer !== null };
}

const networkAddr = (a: Addr, len: number): Addr => (typeof a === 'number' ? (a & (prefixMask('ipv4', len) as number)) >>> 0 : a);
const net = (a: IfAddr): Addr => a.peer ?? a.local;
const sameSubnet = (a: IfAddr, b: IfAddr): boolean =>
  a.family === b.family && a.dev === b.dev && a.prefixlen === b.prefixlen && inPrefix(net(a), net(b), b.prefixlen);

/** ipv6_addr_src_scope(), as far as the order of a device's addresses goes. */
const RANK = new Map([
  ['global', 3],
  ['site', 2],
  ['link', 1],
  ['host', 0],
]);
const rank = (a: IfAddr): number => RANK.get(a.scope) ?? 3;

/** A primary goes behind the primaries of its device, a secondary to the end (__inet_insert_ifa()); IPv6 by scope, the newest first (ipv6_link_dev_addr()). */
function placeOf(all: readonly IfAddr[], made: IfAddr): number {
  if (made.family === 'ipv6') {
    const at = all.findIndex((a) => a.dev === made.dev && a.family === 'ipv6' && rank(made) >= rank(a));
    if (at >= 0) return at;
  }
  const last = all.findLastIndex((a) => a.dev === made.dev && a.family === made.family && (made.secondary || !a.secondary));
  return last < 0 ? all.length : last + 1;
}

function add(n: NodeState, entry: IfAddr, replace: boolean): NodeState {
  const all = addresses(n);
  const at = all.findIndex(
    (a) => a.dev === entry.dev && a.local === entry.local && (entry.family === 'ipv6' || (a.prefixlen === entry.prefixlen && net(a) === net(entry))),
  );
  if (at >= 0) {
    if (!replace) kernelSays(entry.family === 'ipv4' ? 'Error: ipv4: Address already assigned.' : 'Error: ipv6: address already assigned.');
    return withAddrs(n, all.with(at, { ...entry, secondary: all[at].secondary }));
  }
  const primary = entry.family === 'ipv4' && all.some((a) => !a.secondary && sameSubnet(a, entry));
  const made = { ...entry, secondary: primary };
  return withAddrs(n, all.toSpliced(placeOf(all, made), 0, made));
}

function remove(n: NodeState, entry: IfAddr, hasLen: boolean): NodeState {
  const all = addresses(n);
  const found = all.find((a) => a.dev === entry.dev && a.local === entry.local && (!hasLen || a.prefixlen === entry.prefixlen));
  if (!found) kernelSays(entry.family === 'ipv4' ? 'Error: ipv4: Address not found.' : 'Error: ipv6: address not found.');
  return withAddrs(n, without(n, all, [found]));
}

/** With a primary go its secondaries, unless promote_secondaries makes the first of them primary. */
function without(n: NodeState, all: readonly IfAddr[], gone: readonly IfAddr[]): readonly IfAddr[] {
  let rest = all.filter((a) => !gone.includes(a));
  for (const p of gone) {
    if (p.family !== 'ipv4' || p.secondary) continue;
    const orphans = rest.filter((a) => a.secondary && sameSubnet(a, p));
    if (orphans.length === 0) continue;
    const promote = ['all', p.dev].some((d) => n.sysctls.some((s) => s.name === `net/ipv4/conf/${d}/promote_secondaries` && s.value.trim() !== '0'));
    rest = promote ? rest.map((a) => (a === orphans[0] ? { ...a, secondary: false } : a)) : rest.filter((a) => !orphans.includes(a));
  }
  return rest;
}

interface Filter {
  readonly dev: string | null;
  readonly scope: string | null;
  readonly to: Prefix | null;
  readonly links: readonly Link[];
}

function readFilter(n: NodeState, words: readonly string[]): Filter {
  let scope: string | null = null;
  let to: Prefix | null = null;
  const rest: string[] = [];
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'scope') scope = w.value(k);
    else if (k === 'to') {
      const t = w.value(k);
      to = parsePrefix(t, t.includes(':') ? 'ipv6' : 'ipv4') ?? wrong(t, 'this is no prefix');
    } else rest.push(k);
  }
  const { dev, links } = filterLinks(n, rest);
  return { dev, scope, to, links };
}

const selects = (f: Filter, a: IfAddr, family: Family | null): boolean =>
  f.links.some((l) => l.name === a.dev) &&
  (family === null || a.family === family) &&
  (f.scope === null || a.scope === f.scope) &&
  (f.to === null || (typeof f.to.addr === typeof a.local && inPrefix(a.local, f.to.addr, f.to.len)));

function change(n: NodeState, v: string, c: IpCommand): NodeState | null {
  const words = c.words.slice(1);
  if (v === 'flush') {
    if (words.length === 0) throw new Refusal('Flush requires arguments.', { code: 'ip-incomplete', status: 255 });
    const f = readFilter(n, words);
    const all = addresses(n);
    const gone = all.filter((a) => selects(f, a, c.family));
    return gone.length === 0 ? n : withAddrs(n, without(n, all, gone));
  }
  if (!['add', 'change', 'chg', 'replace', 'delete'].includes(v)) return null;
  const { entry, hasLen } = read(n, words, c.family);
  return v === 'delete' ? remove(n, entry, hasLen) : add(n, entry, v !== 'add');
}

function show(n: NodeState, c: IpCommand): Answer {
  const f = readFilter(n, c.words.slice(1));
  const addrs = addresses(n).filter((a) => selects(f, a, c.family));
  const links = f.scope === null && f.to === null ? f.links : f.links.filter((l) => addrs.some((a) => a.dev === l.name));
  if (c.brief) return said(briefAddr(links, addrs, c.family !== null));
  const o = { details: c.details, ...(c.family === null ? {} : { family: c.family }) };
  return said(c.json ? writeIpAddrJson(links, addrs, o) : writeIpAddr(links, addrs, o));
}

export const addressObject: IpObject = {
  names: ['address'],
  change: (n, c) => change(n, verb(c, 'address', VERBS), c),
  answer(n, c) {
    const v = verb(c, 'address', VERBS);
    return byBeginning(v, ['show', 'list', 'lst']) ? show(n.given, c) : null;
  },
};
