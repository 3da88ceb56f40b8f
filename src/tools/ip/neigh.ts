/** `ip neigh`: neigh_add(), neigh_delete() (net/core/neighbour.c), listings of what is given and what the run learnt. */
import { familyOf, inPrefix, parseAddr, parseMac } from '../../base/addr.js';
import { neighStates, writeIpNeigh, writeIpNeighJson } from '../../formats/ip-neigh.js';
import { type Prefix, parsePrefix } from '../../formats/rt-names.js';
import type { Neigh } from '../../link/model.js';
import type { NodeState } from '../../scenario/model.js';
import { devices } from '../netlink.js';
import { kernelSays, Refusal } from '../refusal.js';
import { settled } from '../settle.js';
import { said } from '../tool.js';
import { byBeginning, Clauses, type IpObject, noDevice, verb, wrong } from './command.js';

const VERBS = ['show', 'list', 'lst', 'add', 'append', 'change', 'chg', 'replace', 'delete', 'flush', 'get', 'help'];

interface Asked {
  readonly entry: Neigh;
  readonly hasState: boolean;
}

function read(n: NodeState, words: readonly string[]): Asked {
  let dst: Neigh['dst'] | null = null;
  let proxy = false;
  let router = false;
  let dev: string | null = null;
  let lladdr: Neigh['lladdr'] = null;
  let state: string | null = null;
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'lladdr') {
      const text = w.value(k);
      lladdr = parseMac(text) ?? wrong(text, 'invalid link layer address');
    } else if (k === 'nud') {
      const text = w.value(k).toUpperCase();
      if (!neighStates.has(text)) wrong(text.toLowerCase(), 'nud state is bad');
      state = text;
    } else if (k === 'dev') dev = w.value(k);
    else if (k === 'router') router = true;
    else {
      proxy = k === 'proxy';
      const text = proxy || k === 'to' ? w.value(k) : k;
      dst = parseAddr(text);
      if (dst === null) throw new Refusal(`Error: any valid address is expected rather than "${text}".`, { code: 'ip-address', word: text, status: 1 });
    }
  }
  if (dev === null || dst === null) throw new Refusal('Device and destination are required arguments.', { code: 'ip-incomplete', status: 255 });
  if (!devices(n).some((d) => d.name === dev)) noDevice(dev);
  const entry: Neigh = { dev, family: familyOf(dst), dst, lladdr: proxy ? null : lladdr, state: proxy ? [] : [state ?? 'PERMANENT'], proxy, router };
  return { entry, hasState: state !== null };
}

const same = (a: Neigh, b: Neigh): boolean => a.dev === b.dev && a.dst === b.dst && a.proxy === b.proxy;

function change(n: NodeState, v: string, words: readonly string[]): NodeState | null {
  if (v === 'flush') return flush(n, words);
  if (!['add', 'append', 'change', 'chg', 'replace', 'delete'].includes(v)) return null;
  const { entry } = read(n, words);
  const at = n.neighs.findIndex((e) => same(e, entry));
  if (v === 'delete') {
    if (at < 0) kernelSays('RTNETLINK answers: No such file or directory');
    return { ...n, neighs: n.neighs.toSpliced(at, 1) };
  }
  if (v === 'add' && at >= 0) kernelSays('RTNETLINK answers: File exists');
  if ((v === 'change' || v === 'chg') && at < 0) kernelSays('RTNETLINK answers: No such file or directory');
  const needsMac = !entry.proxy && !['NOARP', 'FAILED', 'NONE', 'INCOMPLETE'].includes(entry.state[0]);
  if (needsMac && entry.lladdr === null && at < 0) kernelSays('RTNETLINK answers: Invalid argument');
  const made = at >= 0 && entry.lladdr === null ? { ...entry, lladdr: n.neighs[at].lladdr } : entry;
  return { ...n, neighs: at < 0 ? [...n.neighs, made] : n.neighs.with(at, made) };
}

interface Filter {
  readonly dev: string | null;
  readonly states: ReadonlySet<string> | null;
  readonly to: Prefix | null;
  readonly proxy: boolean;
}

function readFilter(n: NodeState, words: readonly string[]): Filter {
  let dev: string | null = null;
  let states: Set<string> | null = null;
  let to: Prefix | null = null;
  let proxy = false;
  const w = new Clauses(words);
  for (let k = w.next(); k !== undefined; k = w.next()) {
    if (k === 'dev') dev = w.value(k);
    else if (k === 'proxy') proxy = true;
    else if (byBeginning(k, ['unused'])) continue;
    else if (k === 'nud' || k === 'state') {
      const s = w.value(k).toUpperCase();
      states ??= new Set();
      for (const x of s === 'ALL' ? neighStates : [s]) states.add(x);
    } else {
      const text = k === 'to' ? w.value(k) : k;
      to = parsePrefix(text, text.includes(':') ? 'ipv6' : 'ipv4') ?? wrong(text, 'this is no prefix');
    }
  }
  if (dev !== null && !devices(n).some((d) => d.name === dev)) noDevice(dev);
  return { dev, states, to, proxy };
}

const selects = (f: Filter, e: Neigh): boolean =>
  (f.dev === null || e.dev === f.dev) &&
  e.proxy === f.proxy &&
  (f.states === null || e.state.some((s) => f.states?.has(s))) &&
  (f.to === null || (typeof f.to.addr === typeof e.dst && inPrefix(e.dst, f.to.addr, f.to.len)));

/** Without `nud` permanent and noarp entries stay (do_show_or_flush()). */
function flush(n: NodeState, words: readonly string[]): NodeState {
  if (words.length === 0) throw new Refusal('Flush requires arguments.', { code: 'ip-incomplete', status: 255 });
  const f = readFilter(n, words);
  const kept = n.neighs.filter((e) => !selects(f, e) || (f.states === null && e.state.some((s) => s === 'PERMANENT' || s === 'NOARP')));
  return kept.length === n.neighs.length ? n : { ...n, neighs: kept };
}

export const neighObject: IpObject = {
  names: ['neighbor', 'neighbour'],
  change: (n, c) => change(n, verb(c, 'neigh', VERBS), c.words.slice(1)),
  answer(n, c) {
    const v = verb(c, 'neigh', VERBS);
    if (v !== 'show' && v !== 'list' && v !== 'lst') return null;
    const f = readFilter(n.given, c.words.slice(1));
    // Entries without a state worth telling are not listed unless asked for (nud all).
    const list = settled(n, ['neighs']).neighs.filter(
      (e) =>
        selects(f, e) && (c.family === null || e.family === c.family) && (f.states !== null || e.proxy || e.state.some((s) => s !== 'NOARP' && s !== 'NONE')),
    );
    const o = f.dev === null ? {} : { dev: f.dev };
    return said(c.json ? writeIpNeighJson(list, o) : writeIpNeigh(list, o));
  },
};
