/** `-m recent --set | --rcheck | --update | --remove`: named lists of addresses with the times they were seen. */
import { type Addr, andAddr, anyAddr, formatAddr, notAddr } from '../../../base/addr.js';
import type { PacketCtx } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError, type OptionSpec } from '../extension.js';
import { bang, given, host, isGiven, uint } from '../values.js';

type Op = 'set' | 'rcheck' | 'update' | 'remove';
const OPS: readonly Op[] = ['set', 'rcheck', 'update', 'remove'];

interface RecentMatch {
  readonly op: Op;
  readonly invert: boolean;
  /** 0 = not asked. */
  readonly seconds: number;
  readonly reap: boolean;
  readonly hitcount: number;
  readonly rttl: boolean;
  readonly list: string;
  readonly mask: Addr;
  readonly side: 'rsource' | 'rdest';
}

const MAX_NAME = 199;
/** XT_RECENT_MAX_NSTAMPS - 1 */
const MAX_HITS = 65535;
/** Times an entry remembers where no rule of its list counts hits. */
const DEFAULT_STAMPS = 32;
/** ip_list_tot */
const MAX_ENTRIES = 100;

interface Entry {
  ttl: number;
  /** Newest last. */
  stamps: number[];
}
/** Entries in the order of last use, as the kernel's LRU list. */
type List = Map<string, Entry>;

function parse(gs: readonly Given[], all1: Addr, family: 'ipv4' | 'ipv6'): RecentMatch {
  const op = gs.find((g) => OPS.includes(g.name as Op));
  if (!op) throw new OptionError("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'");
  const seconds = given(gs, 'seconds');
  const hits = given(gs, 'hitcount');
  const mask = given(gs, 'mask');
  const sides = gs.filter((g) => g.name === 'rsource' || g.name === 'rdest');
  return {
    op: op.name as Op,
    invert: op.invert,
    seconds: seconds ? uint('recent', seconds, 1) : 0,
    reap: isGiven(gs, 'reap'),
    hitcount: hits ? uint('recent', hits) : 0,
    rttl: isGiven(gs, 'rttl'),
    list: (given(gs, 'name')?.value ?? 'DEFAULT').slice(0, MAX_NAME),
    mask: mask ? host(mask.value, family, 'mask') : all1,
    side: sides.at(-1)?.name === 'rdest' ? 'rdest' : 'rsource',
  };
}

/** recent_mt_check() */
function check(d: RecentMatch, _: CheckContext): void {
  if ((d.op === 'set' || d.op === 'remove') && (d.seconds || d.hitcount || d.rttl || d.reap))
    throw new OptionError(`--seconds, --hitcount, --rttl and --reap do not go with --${d.op}`, d.op);
  if (d.hitcount > MAX_HITS) throw new OptionError(`hitcount (${d.hitcount}) is larger than allowed maximum (${MAX_HITS})`, 'hitcount');
  if (d.list === '' || d.list === '.' || d.list === '..' || d.list.includes('/')) throw new OptionError(`bad list name "${d.list}"`, 'name');
}

/** Times an entry of this list keeps: a power of two, the largest that its rules ask for. */
const stampsFor = (hitcount: number): number => (hitcount === 0 ? DEFAULT_STAMPS : 2 ** Math.ceil(Math.log2(hitcount)));

function touch(list: List, key: string, e: Entry, now: number, keep: number): void {
  e.stamps.push(now);
  if (e.stamps.length > keep) e.stamps.shift();
  list.delete(key);
  list.set(key, e);
}

function add(list: List, key: string, ttl: number, now: number): void {
  if (list.size >= MAX_ENTRIES) list.delete(list.keys().next().value!);
  list.set(key, { ttl, stamps: [now] });
}

/** Was it seen often enough lately? Times are compared as the kernel does: a stamp exactly `seconds` old still counts. */
function seen(d: RecentMatch, e: Entry, now: number): boolean {
  const since = now - d.seconds * 1000;
  const hits = d.seconds ? e.stamps.filter((t) => t >= since).length : e.stamps.length;
  return hits >= Math.max(1, d.hitcount);
}

/** recent_mt(). The TTL counts as it was before this node decremented it. */
function test(d: RecentMatch, c: PacketCtx): boolean {
  const now = c.env.now();
  const shared = c.env.state(`recent:${d.list}`, () => ({ entries: new Map() as List, keep: 0 }));
  shared.keep = Math.max(shared.keep, stampsFor(d.hitcount));
  const list = shared.entries;
  const addr = andAddr(d.side === 'rdest' ? c.skb.daddr : c.skb.saddr, d.mask);
  const key = formatAddr(addr);
  const ttl = c.skb.ttl + (c.out && !c.skb.sk ? 1 : 0);
  const e = list.get(key);
  if (!e || (d.rttl && e.ttl !== ttl)) {
    if (d.op !== 'set') return d.invert;
    add(list, key, ttl, now);
    return !d.invert;
  }
  if (d.op === 'remove') {
    list.delete(key);
    return !d.invert;
  }
  const hit = (d.op === 'set' || seen(d, e, now)) !== d.invert;
  const update = d.op === 'set' || (d.op === 'update' && hit);
  if (d.reap) reap(d, list, key, now, update);
  if (update) {
    touch(list, key, e, now, shared.keep);
    e.ttl = ttl;
  }
  return hit;
}

/** recent_entry_reap(): the longest unused entry goes if it is older than `seconds`, unless it is about to be updated. */
function reap(d: RecentMatch, list: List, working: string, now: number, update: boolean): void {
  const oldest = list.entries().next().value;
  if (!oldest || (oldest[0] === working && update)) return;
  if ((oldest[1].stamps.at(-1) ?? 0) < now - d.seconds * 1000) list.delete(oldest[0]);
}

const opOptions: readonly OptionSpec[] = OPS.map((name) => ({ name, arg: 'none', invert: true, excl: OPS.filter((o) => o !== name) }));

export const recent: MatchDef<RecentMatch> = {
  name: 'recent',
  kernel: 'net/netfilter/xt_recent.c',
  families: ['ipv4', 'ipv6'],
  options: [
    ...opOptions,
    { name: 'seconds', arg: 'required' },
    { name: 'reap', arg: 'none', also: ['seconds'] },
    { name: 'hitcount', arg: 'required' },
    { name: 'rttl', arg: 'none', excl: ['set', 'remove'] },
    { name: 'name', arg: 'required' },
    { name: 'rsource', arg: 'none' },
    { name: 'rdest', arg: 'none' },
    { name: 'mask', arg: 'required' },
  ],
  parse: (gs, ctx) => parse(gs, notAddr(anyAddr(ctx.family)), ctx.family),
  print: (d) =>
    `${bang(d.invert)} --${d.op}` +
    (d.seconds ? ` --seconds ${d.seconds}` : '') +
    (d.reap ? ' --reap' : '') +
    (d.hitcount ? ` --hitcount ${d.hitcount}` : '') +
    `${d.rttl ? ' --rttl' : ''} --name ${d.list} --mask ${formatAddr(d.mask)} --${d.side}`,
  check,
  lower: (d) => [{ kind: 'stateful', name: `recent ${d.list}`, test: (c) => test(d, c), show: `${bang(d.invert)} ${d.op} in recent list ${d.list}`.trim() }],
};
