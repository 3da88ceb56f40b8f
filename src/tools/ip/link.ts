/** `ip link`: do_setlink(), rtnl_newlink(), rtnl_dellink() (net/core/rtnetlink.c) as far as packets notice; listings. */
import { parseMac } from '../../base/addr.js';
import { type KindRow, kindRows, slaveRows } from '../../formats/ip-link-kinds.js';
import { writeIpLink, writeIpLinkJson } from '../../formats/ip-link-print.js';
import type { FdbEntry, Link } from '../../link/model.js';
import type { NodeState } from '../../scenario/model.js';
import { setUp, withFlag, withMtu, withoutLink } from '../netdev.js';
import { linksOf } from '../netlink.js';
import { kernelSays, Refusal } from '../refusal.js';
import { type Answer, said } from '../tool.js';
import { byBeginning, Clauses, type IpCommand, type IpObject, noDevice, verb, wrong } from './command.js';
import { briefLink, filterLinks } from './link-list.js';

const VERBS = ['add', 'set', 'change', 'replace', 'delete', 'show', 'list', 'lst', 'xstats', 'afstats', 'property', 'help'];

function onOff(w: Clauses, k: string): boolean {
  const v = w.value(k);
  if (v !== 'on' && v !== 'off')
    throw new Refusal(`Error: argument of "${k}" must be "on" or "off", not "${v}"`, { code: 'ip-argument', word: v, status: 255 });
  return v === 'on';
}

const unsupported = (what: string): never => {
  throw new Refusal(`ip link: “${what}” is not supported`, { code: 'not-supported', word: what, status: 2 });
};

/** `KEY VALUE…` of a kind as `ip -d link` names them. */
function kindOptions(rows: readonly KindRow[], w: Clauses, kind: string): [string, unknown][] {
  const out: [string, unknown][] = [];
  for (let k = w.next(); k !== undefined; k = w.next()) {
    const no = k.startsWith('no') && rows.some((r) => r.word === k?.slice(2) && (r.form === 'flag' || r.form === 'bare'));
    const word = no ? k.slice(2) : k;
    const row = rows.find((r) => r.word === word || (r.word === 'state' && word === 'state'));
    if (!row)
      throw new Refusal(`${kind}: unknown command "${k}"?`, {
        code: 'ip-argument',
        word: k,
        status: 255,
        hint: `known: ${rows
          .map((r) => r.word)
          .filter((x) => x !== '')
          .join(', ')}`,
      });
    if (no || row.form === 'bare' || row.form === 'flag') out.push([row.json, !no]);
    else if (row.form === 'onoff') {
      const v = w.value(k);
      out.push([row.json, v === 'on' || v === '1']);
    } else {
      const v = w.value(k);
      out.push([row.json, /^\d+$/.test(v) ? Number(v) : v]);
    }
  }
  return out;
}

/** `ip link set DEV …`. */
function set(n: NodeState, words: readonly string[]): NodeState {
  const w = new Clauses(words);
  const first = w.value('set');
  if (first === 'group' || first === 'vf') unsupported(first);
  const name = first === 'dev' ? w.value('dev') : first;
  const links = linksOf(n.links);
  const l = links.find((x) => x.name === name || x.altnames.includes(name)) ?? noDevice(name);
  let next: Link = l;
  let up: boolean | null = null;
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'up') up = true;
    else if (k === 'down') up = false;
    else next = setOne(links, next, k, w);
  }
  const changed = next === l && links === n.links ? links : links.map((x) => (x === l ? next : x));
  const state = next === l ? n : { ...n, links: changed, fdb: portFdb(n.fdb, l, next) };
  const spoken = next.mtu === l.mtu ? state : withMtu(state, l, next);
  return up === null ? spoken : setUp(spoken, changed, next, up);
}

/** br_fdb_add_local(): a port's own address is in its bridge's table, where the node states that table. */
function portFdb(fdb: readonly FdbEntry[], before: Link, l: Link): readonly FdbEntry[] {
  if (before.master === l.master || fdb.length === 0) return fdb;
  const kept = before.master === null ? fdb : fdb.filter((e) => e.dev !== l.name || e.master !== before.master);
  if (l.master === null) return kept;
  return [...kept, { mac: l.mac, dev: l.name, master: l.master, dst: null, vlan: null, state: 'permanent', flags: [], port: null, vni: null, via: null }];
}

function setOne(links: readonly Link[], l: Link, k: string, w: Clauses): Link {
  if (k === 'mtu') {
    const t = w.value(k);
    const mtu = /^\d{1,9}$/.test(t) ? Number(t) : wrong(t, 'Invalid "mtu" value');
    if (mtu < 68 && l.linkType !== 'loopback') kernelSays(`Error: mtu less than device minimum.`);
    return { ...l, mtu };
  }
  if (k === 'address') {
    const t = w.value(k);
    return { ...l, mac: parseMac(t) ?? wrong(t, 'invalid link layer address'), addressText: null };
  }
  if (k === 'master' || k === 'vrf') {
    const m = w.value(k);
    const master = links.find((x) => x.name === m) ?? wrong(m, 'Device does not exist');
    if (master.kind !== 'bridge') unsupported(`${k} ${m}`);
    return { ...l, master: m, slaveKind: 'bridge', slaveData: l.master === m ? l.slaveData : {} };
  }
  if (k === 'nomaster') return { ...l, master: null, slaveKind: null, slaveData: {} };
  if (k === 'arp') return withFlag(l, 'NOARP', !onOff(w, k));
  if (k === 'multicast') return withFlag(l, 'MULTICAST', onOff(w, k));
  if (k === 'allmulticast') return withFlag(l, 'ALLMULTI', onOff(w, k));
  if (k === 'promisc') return withFlag(l, 'PROMISC', onOff(w, k));
  if (k === 'group') return { ...l, group: w.value(k) };
  if (k === 'txqueuelen' || k === 'qlen' || k === 'txqlen') return { ...l, txqlen: Number(w.value(k)) };
  if (k === 'type') return withOptions(l, w);
  return unsupported(k);
}

/** `type bridge …`, `type bridge_slave …`. */
function withOptions(l: Link, w: Clauses): Link {
  const kind = w.value('type');
  if (kind.endsWith('_slave')) {
    const rows = slaveRows.get(kind.slice(0, -6));
    if (!rows) return unsupported(kind);
    if (l.slaveKind !== kind.slice(0, -6)) kernelSays('RTNETLINK answers: Operation not supported');
    return { ...l, slaveData: Object.fromEntries([...Object.entries(l.slaveData), ...kindOptions(rows, w, kind)]) };
  }
  if (kind !== l.kind) kernelSays('RTNETLINK answers: Operation not supported');
  return { ...l, data: Object.fromEntries([...Object.entries(l.data), ...kindOptions(kindRows.get(kind) ?? [], w, kind)]) };
}

/** Kinds that can be added without another device; the far end of a veth is a wire of the scenario. */
const ADDABLE = new Map<string, Partial<Link>>([
  ['bridge', { flags: ['NO-CARRIER', 'BROADCAST', 'MULTICAST'], mtu: 1500 }],
  ['dummy', { flags: ['BROADCAST', 'NOARP'], mtu: 1500 }],
  ['vxlan', { flags: ['BROADCAST', 'MULTICAST'], mtu: 1450 }],
  ['ipip', { flags: ['POINTOPOINT', 'NOARP'], mtu: 1480, linkType: 'ipip', mac: 0, broadcast: 0 }],
]);

function add(n: NodeState, words: readonly string[]): NodeState {
  const w = new Clauses(words);
  let name: string | null = null;
  let kind: string | null = null;
  let mac: number | null = null;
  let mtu: number | null = null;
  let options: [string, unknown][] = [];
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'type') {
      kind = w.value(k);
      if (!ADDABLE.has(kind)) unsupported(kind);
      options = kindOptions(kindRows.get(kind) ?? [], w, kind);
    } else if (k === 'address') {
      const t = w.value(k);
      mac = parseMac(t) ?? wrong(t, 'invalid link layer address');
    } else if (k === 'mtu') mtu = Number(w.value(k));
    else if (k === 'link' || k === 'index' || k === 'numtxqueues' || k === 'numrxqueues') unsupported(k);
    else name = k === 'name' || k === 'dev' ? w.value(k) : k;
  }
  if (name === null || kind === null) throw new Refusal('Not enough information: "type" argument is required', { code: 'ip-incomplete', status: 255 });
  if (!/^[^\s/]{1,15}$/.test(name) || name === '.' || name === '..')
    throw new Refusal(`Error: argument "${name}" is wrong: "name" not a valid ifname`, { code: 'ip-argument', word: name, status: 255 });
  const links = linksOf(n.links);
  if (links.some((l) => l.name === name)) kernelSays('RTNETLINK answers: File exists');
  const ifindex = Math.max(...links.map((l) => l.ifindex)) + 1;
  return { ...n, links: [...links, newLink(name, kind, ifindex, { mac, mtu, options })] };
}

/** A MAC of this device's own, locally administered: the kernel's would be random. */
const ownMac = (ifindex: number): number => 0x02_00_5e_00_00_00 + ifindex;

function newLink(name: string, kind: string, ifindex: number, o: { mac: number | null; mtu: number | null; options: [string, unknown][] }): Link {
  const base = ADDABLE.get(kind) as Partial<Link>;
  const data = new Map(o.options);
  const text = (key: string): string | null => (typeof data.get(key) === 'string' ? (data.get(key) as string) : null);
  const tunnel = base.linkType !== undefined;
  return {
    name,
    ifindex,
    kind,
    linkType: 'ether',
    mac: o.mac ?? ownMac(ifindex),
    broadcast: 0xffffffffffff,
    mtu: 1500,
    operstate: 'DOWN',
    master: null,
    link: null,
    linkIndex: tunnel ? 0 : null,
    linkNetnsid: null,
    group: 'default',
    qdisc: 'noop',
    txqlen: 1000,
    slaveKind: null,
    slaveData: {},
    promiscuity: 0,
    altnames: [],
    addressText: tunnel ? (text('local') ?? '0.0.0.0') : null,
    broadcastText: tunnel ? (text('remote') ?? '0.0.0.0') : null,
    linkmode: 'DEFAULT',
    flags: [],
    ...base,
    ...(o.mtu === null ? {} : { mtu: o.mtu }),
    data: Object.fromEntries(o.options),
  };
}

function change(n: NodeState, v: string, words: readonly string[]): NodeState | null {
  if (v === 'set' || v === 'change') return set(n, words);
  if (v === 'add') return add(n, words);
  if (v !== 'delete') return null;
  const name = words[0] === 'dev' ? words[1] : words[0];
  const l = linksOf(n.links).find((x) => x.name === name) ?? noDevice(name ?? '');
  if (l.kind === '') kernelSays('RTNETLINK answers: Operation not supported');
  return withoutLink(n, l.name);
}

function show(n: NodeState, c: IpCommand): Answer {
  const { links } = filterLinks(n, c.words.slice(1));
  if (c.brief) return said(briefLink(links));
  const o = { details: c.details };
  return said(c.json ? writeIpLinkJson(links, o) : writeIpLink(links, o));
}

export const linkObject: IpObject = {
  names: ['link'],
  change: (n, c) => change(n, verb(c, 'link', VERBS), c.words.slice(1)),
  answer: (n, c) => (byBeginning(verb(c, 'link', VERBS), ['show', 'list', 'lst']) ? show(n.given, c) : null),
};
