/** bridge(8): `fdb`, `link`, `vlan`. */
import { parseAddr, parseMac } from '../base/addr.js';
import { writeBridgeFdb, writeBridgeFdbJson, writeBridgeLink, writeBridgeLinkJson, writeBridgeVlan } from '../formats/bridge.js';
import type { FdbEntry, Link, PortVlan } from '../link/model.js';
import type { NodeState } from '../scenario/model.js';
import { byBeginning, Clauses, noDevice, wrong } from './ip/command.js';
import { linksOf } from './netlink.js';
import { attempt, kernelSays, Refusal } from './refusal.js';
import { settled } from './settle.js';
import { type Answer, complained, said, type Tool, type ToolContext } from './tool.js';

interface BridgeCommand {
  readonly object: string;
  readonly verb: string;
  readonly words: readonly string[];
  readonly json: boolean;
  readonly details: boolean;
}

const OBJECTS = ['link', 'fdb', 'mdb', 'vlan', 'vni', 'monitor'];
const VERBS = new Map([
  ['link', ['set', 'show', 'lst', 'list']],
  ['fdb', ['add', 'append', 'replace', 'delete', 'get', 'flush', 'show', 'lst', 'list']],
  ['vlan', ['add', 'delete', 'show', 'lst', 'list', 'set']],
]);

function read(c: ToolContext): BridgeCommand {
  let json = false;
  let details = false;
  let i = 0;
  for (; c.words[i]?.startsWith('-'); i++) {
    if (byBeginning(c.words[i], ['-json'])) json = true;
    else if (byBeginning(c.words[i], ['-details'])) details = true;
  }
  const word = c.words[i] ?? '';
  const object = byBeginning(word, OBJECTS);
  if (object === undefined) throw new Refusal(`Object "${word}" is unknown, try "bridge help".`, { code: 'bridge-object', word, status: 255 });
  const verbs = VERBS.get(object);
  if (!verbs) throw new Refusal(`bridge ${object} is not supported`, { code: 'not-supported', word, status: 2 });
  const v = c.words[i + 1] ?? 'show';
  const verb = byBeginning(v, verbs);
  if (verb === undefined) throw new Refusal(`Command "${v}" is unknown, try "bridge ${object} help".`, { code: 'bridge-command', word: v, status: 255 });
  return { object, verb: verb === 'lst' || verb === 'list' ? 'show' : verb, words: c.words.slice(i + 2), json, details };
}

const linkOf = (n: NodeState, name: string): Link => linksOf(n.links).find((l) => l.name === name) ?? noDevice(name);

// --- fdb ---

function readFdb(n: NodeState, words: readonly string[]): FdbEntry {
  let mac: number | null = null;
  let dev: string | null = null;
  let master = false;
  let self = false;
  let state = '';
  const e = { dst: null as FdbEntry['dst'], vlan: null as number | null, port: null as number | null, vni: null as number | null, via: null as string | null };
  const flags: string[] = [];
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'dev') dev = w.value(k);
    else if (k === 'dst') {
      const t = w.value(k);
      e.dst = parseAddr(t) ?? wrong(t, 'invalid address');
    } else if (k === 'vlan') e.vlan = Number(w.value(k));
    else if (k === 'port') e.port = Number(w.value(k));
    else if (k === 'vni') e.vni = Number(w.value(k));
    else if (k === 'via') e.via = w.value(k);
    else if (k === 'self') self = true;
    else if (byBeginning(k, ['master'])) master = true;
    else if (k === 'local' || k === 'permanent') state = 'permanent';
    else if (k === 'temp' || k === 'static') state = 'static';
    else if (k === 'dynamic') state = 'dynamic';
    else if (['router', 'use', 'extern_learn', 'sticky'].includes(k)) flags.push(k);
    else {
      const text = k === 'to' ? w.value(k) : k;
      mac = parseMac(text);
      if (mac === null) throw new Refusal(`Invalid mac address ${text}`, { code: 'bridge-mac', word: text, status: 255 });
    }
  }
  if (dev === null || mac === null) throw new Refusal('Device and address are required arguments.', { code: 'ip-incomplete', status: 255 });
  const l = linkOf(n, dev);
  // Neither word given: the device's own table.
  if (!self && !master) self = true;
  if (master && l.master === null && l.kind !== 'bridge') kernelSays('RTNETLINK answers: Operation not supported');
  const table = master ? (l.master ?? l.name) : null;
  return { mac, dev, master: table, ...e, state: state === 'dynamic' ? '' : state === '' ? 'permanent' : state, flags: self ? [...flags, 'self'] : flags };
}

const sameFdb = (a: FdbEntry, b: FdbEntry): boolean =>
  a.mac === b.mac &&
  a.vlan === b.vlan &&
  a.flags.includes('self') === b.flags.includes('self') &&
  (a.flags.includes('self') ? a.dev === b.dev : a.master === b.master);

function changeFdb(n: NodeState, c: BridgeCommand): NodeState | null {
  if (c.verb === 'flush') {
    const dev = c.words[c.words.indexOf('dev') + 1] ?? noDevice('');
    return { ...n, fdb: n.fdb.filter((e) => (e.dev !== dev && e.master !== dev) || e.state !== '') };
  }
  if (!['add', 'append', 'replace', 'delete'].includes(c.verb)) return null;
  const e = readFdb(n, c.words);
  const vxlan = linkOf(n, e.dev).kind === 'vxlan' && e.flags.includes('self');
  const at = n.fdb.findIndex((x) => sameFdb(x, e) && (!vxlan || c.verb === 'replace' || e.dst === null || x.dst === e.dst));
  if (c.verb === 'delete') {
    if (at < 0) kernelSays('RTNETLINK answers: No such file or directory');
    return { ...n, fdb: n.fdb.toSpliced(at, 1) };
  }
  if (at >= 0 && c.verb !== 'replace') kernelSays('RTNETLINK answers: File exists');
  if (c.verb === 'add' && vxlan && n.fdb.some((x) => sameFdb(x, e))) kernelSays('RTNETLINK answers: File exists');
  return { ...n, fdb: at < 0 ? [...n.fdb, e] : n.fdb.with(at, e) };
}

/** `[br BRIDGE] [brport PORT|dev DEV]`. */
function showFdb(n: NodeState, words: readonly string[]): readonly FdbEntry[] {
  const w = new Clauses(words);
  let list: readonly FdbEntry[] = n.fdb;
  for (let k = w.next(); k !== undefined; k = w.next()) {
    const v = w.value(k);
    if (k === 'br' || k === 'master') list = list.filter((e) => e.master === v || e.dev === v);
    else if (k === 'dev' || k === 'brport') {
      linkOf(n, v);
      list = list.filter((e) => e.dev === v);
    } else if (k === 'vlan') list = list.filter((e) => e.vlan === Number(v));
  }
  return list;
}

/** A device that was asked for is not named again. */
function fdbText(n: NodeState, c: BridgeCommand): string {
  const list = showFdb(n, c.words);
  if (c.json) return writeBridgeFdbJson(list);
  const at = c.words.findIndex((w) => w === 'dev' || w === 'brport');
  const dev = at < 0 ? null : c.words[at + 1];
  return list.map((e) => (dev === null ? writeBridgeFdb([e]) : writeBridgeFdb([e]).replace(` dev ${dev} `, ' '))).join('');
}

// --- link ---

const SWITCHES = new Map([
  ['hairpin', 'hairpin'],
  ['guard', 'guard'],
  ['fastleave', 'fastleave'],
  ['root_block', 'root_block'],
  ['learning', 'learning'],
  ['flood', 'flood'],
  ['mcast_flood', 'mcast_flood'],
  ['bcast_flood', 'bcast_flood'],
  ['mcast_to_unicast', 'mcast_to_unicast'],
  ['neigh_suppress', 'neigh_suppress'],
  ['vlan_tunnel', 'vlan_tunnel'],
  ['isolated', 'isolated'],
  ['locked', 'locked'],
  ['mab', 'mab'],
]);
const STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

function changeLink(n: NodeState, words: readonly string[]): NodeState {
  const w = new Clauses(words);
  let dev: string | null = null;
  const given: [string, unknown][] = [];
  for (let k = w.next(); k !== undefined; k = w.next()) {
    const key = SWITCHES.get(k);
    if (k === 'dev') dev = w.value(k);
    else if (key) {
      const v = w.value(k);
      if (v !== 'on' && v !== 'off')
        throw new Refusal(`Error: argument of "${k}" must be "on" or "off", not "${v}"`, { code: 'ip-argument', word: v, status: 255 });
      given.push([key, v === 'on']);
    } else if (k === 'state') {
      const v = w.value(k);
      const state = /^[0-4]$/.test(v) ? STATES[Number(v)] : v;
      if (!STATES.includes(state)) throw new Refusal('Error: invalid STP port state', { code: 'ip-argument', word: v, status: 255 });
      given.push(['state', state]);
    } else if (k === 'cost' || k === 'priority') given.push([k, Number(w.value(k))]);
    else if (k !== 'master' && k !== 'self')
      throw new Refusal(`bridge link: unknown argument “${k}”`, {
        code: 'bridge-command',
        word: k,
        status: 255,
        hint: `known: ${[...SWITCHES.keys()].join(', ')}, state, cost, priority`,
      });
  }
  if (dev === null) throw new Refusal('Device is a required argument.', { code: 'ip-incomplete', status: 255 });
  const l = linkOf(n, dev);
  if (l.slaveKind !== 'bridge') kernelSays('RTNETLINK answers: Operation not supported');
  const next: Link = { ...l, slaveData: Object.fromEntries([...Object.entries(l.slaveData), ...given]) };
  return { ...n, links: n.links.map((x) => (x === l ? next : x)) };
}

// --- vlan ---

function changeVlan(n: NodeState, c: BridgeCommand): NodeState | null {
  if (c.verb !== 'add' && c.verb !== 'delete') return null;
  const w = new Clauses(c.words);
  let dev: string | null = null;
  let range: [number, number] | null = null;
  let pvid = false;
  let untagged = false;
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'dev') dev = w.value(k);
    else if (k === 'vid') {
      const t = w.value(k);
      const m = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(t);
      range = m ? [Number(m[1]), Number(m[2] ?? m[1])] : wrong(t, 'invalid VLAN ID');
    } else if (k === 'pvid') pvid = true;
    else if (k === 'untagged') untagged = true;
  }
  if (dev === null || range === null) throw new Refusal('Device and VLAN ID are required arguments.', { code: 'ip-incomplete', status: 255 });
  const name = linkOf(n, dev).name;
  const [lo, hi] = range;
  if (lo < 1 || hi > 4094 || lo > hi) throw new Refusal(`Invalid VLAN ID "${lo}"`, { code: 'ip-argument', word: String(lo), status: 255 });
  const rest = n.vlans
    .filter((v) => v.dev !== name || v.vlan < lo || v.vlan > hi)
    .map((v) => (pvid && c.verb === 'add' && v.dev === name ? { ...v, pvid: false } : v));
  if (c.verb === 'delete') return { ...n, vlans: rest };
  const added = Array.from({ length: hi - lo + 1 }, (_, i): PortVlan => ({ dev: name, vlan: lo + i, pvid, untagged }));
  return { ...n, vlans: [...rest, ...added] };
}

function change(n: NodeState, c: BridgeCommand): NodeState | null {
  if (c.object === 'fdb') return changeFdb(n, c);
  if (c.object === 'vlan') return changeVlan(n, c);
  return c.verb === 'set' ? changeLink(n, c.words) : null;
}

function show(n: NodeState, c: BridgeCommand): Answer | null {
  if (c.verb !== 'show') return null;
  if (c.object === 'fdb') return said(fdbText(n, c));
  if (c.object === 'vlan') return said(writeBridgeVlan(n.vlans));
  const dev = c.words[0] === 'dev' ? c.words[1] : undefined;
  const links = dev === undefined ? n.links : [linkOf(n, dev)];
  return said(c.json ? writeBridgeLinkJson(links, { details: c.details }) : writeBridgeLink(links, { details: c.details }));
}

const tool: Tool = {
  names: ['bridge'],
  settles: ['fdb'],
  change(n, c) {
    let question = false;
    const r = attempt(n, c, () => {
      const value = change(n, read(c));
      question = value === null;
      return value ?? n;
    });
    return question ? null : r;
  },
  answer(n, c) {
    try {
      return show(settled(n, ['fdb']), read(c));
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      return complained(e.message, e.o.status ?? 255);
    }
  },
};

export const bridgeTool = (): readonly Tool[] => [tool];
