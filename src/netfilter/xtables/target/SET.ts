/** SET: adds the packet to a set or takes it out, or copies a member's mark, priority and queue to it (xt_set.c, set_target_v3). */

import type { PacketCtx } from '../../pred.js';
import type { CheckContext, Given, TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { parseUint } from '../numbers.js';
import { BOTH, find, has, setMark, tellMangle } from './common.js';

interface SetRef {
  readonly set: string;
  /** true = src. */
  readonly dirs: readonly boolean[];
}

interface SetData {
  readonly add: SetRef | null;
  readonly del: SetRef | null;
  readonly map: SetRef | null;
  readonly exist: boolean;
  /** Seconds; null = the set's own. */
  readonly timeout: number | null;
  readonly mapMark: boolean;
  readonly mapPrio: boolean;
  readonly mapQueue: boolean;
}

const MAX_DIRS = 6;

function parseRef(g: Given | undefined): SetRef | null {
  if (!g) return null;
  const blank = g.value.lastIndexOf(' ');
  const set = g.value.slice(0, blank);
  if (set.length > 31) throw new OptionError(`setname \`${set}' too long, max 31 characters.`, g.name);
  const words = g.value.slice(blank + 1).split(',');
  if (words.length > MAX_DIRS) throw new OptionError(`Can't be more src/dst options than ${MAX_DIRS}.`, g.name);
  for (const w of words) {
    if (w !== 'src' && w !== 'dst') throw new OptionError("You must spefify (the comma separated list of) 'src' or 'dst'.", g.name);
  }
  return { set, dirs: words.map((w) => w === 'src') };
}

const printRef = (option: string, r: SetRef): string => ` --${option} ${r.set} ${r.dirs.map((d) => (d ? 'src' : 'dst')).join(',')}`;

export const SET: TargetDef<SetData> = {
  name: 'SET',
  kernel: 'net/netfilter/xt_set.c',
  families: BOTH,
  options: [
    ...['add-set', 'del-set', 'map-set'].map((name) => ({ name, arg: 'required', words: 2, invert: true }) as const),
    { name: 'exist', arg: 'none' },
    { name: 'timeout', arg: 'required' },
    { name: 'map-mark', arg: 'none' },
    { name: 'map-prio', arg: 'none' },
    { name: 'map-queue', arg: 'none' },
  ],
  parse(given) {
    const add = parseRef(find(given, 'add-set'));
    const del = parseRef(find(given, 'del-set'));
    const map = parseRef(find(given, 'map-set'));
    if (!add && !del && !map) throw new OptionError("You must specify either `--add-set' or `--del-set' or `--map-set'");
    const timeout = find(given, 'timeout');
    for (const name of ['exist', 'timeout']) {
      if (!add && has(given, name)) throw new OptionError(`Flag \`--${name}' can be used with \`--add-set' only`, name);
    }
    const seconds = timeout ? parseUint(timeout.value, 0, 0xfffffffe) : null;
    if (timeout && seconds === null) throw new OptionError('Invalid value for option --timeout or out of range 0-4294967294', 'timeout');
    const flags = { mapMark: has(given, 'map-mark'), mapPrio: has(given, 'map-prio'), mapQueue: has(given, 'map-queue') };
    const anyFlag = flags.mapMark || flags.mapPrio || flags.mapQueue;
    if (map && !anyFlag) throw new OptionError("You must specify flags `--map-mark' or '--map-prio` or `--map-queue'", 'map-set');
    if (!map && anyFlag) throw new OptionError("Flags `--map-mark', `--map-prio' and `--map-queue' go with `--map-set' only");
    return { add, del, map, exist: has(given, 'exist'), timeout: seconds, ...flags };
  },
  print(d) {
    let out = '';
    if (d.add) out += `${printRef('add-set', d.add)}${d.exist ? ' --exist' : ''}${d.timeout === null ? '' : ` --timeout ${d.timeout}`}`;
    if (d.del) out += printRef('del-set', d.del);
    if (d.map) out += `${printRef('map-set', d.map)}${d.mapMark ? ' --map-mark' : ''}${d.mapPrio ? ' --map-prio' : ''}${d.mapQueue ? ' --map-queue' : ''}`;
    return out;
  },
  check(d, ctx) {
    for (const r of [d.add, d.del, d.map]) if (r) checkSet(r.set, ctx);
    if (!d.map) return;
    if (ctx.table !== 'mangle') throw new OptionError('SET: --map-set only usable from mangle table', 'map-set');
    if ((d.mapPrio || d.mapQueue) && [...ctx.hooks].some((h) => h === 'PREROUTING' || h === 'INPUT')) {
      throw new OptionError('SET: mapping of prio or/and queue is allowed only from OUTPUT/FORWARD/POSTROUTING chains', 'map-set');
    }
  },
  lower: (d) => (c) => {
    const { sets } = c.env;
    if (d.add) sets.add(d.add.set, c, d.add.dirs, d.timeout, d.exist);
    if (d.del) sets.del(d.del.set, c, d.del.dirs);
    if (d.map) mapFromSet(c, d, d.map);
    return 'CONTINUE';
  },
};

function mapFromSet(c: PacketCtx, d: SetData, map: SetRef): void {
  const answer = c.env.sets.test(map.set, c, { dirs: map.dirs, returnNomatch: false, updateCounters: true, updateSubcounters: true });
  const info = answer.skbinfo;
  if (!answer.hit || !info) return;
  if (d.mapMark) setMark(c, (c.skb.mark & ~info.markMask) ^ info.mark);
  if (d.mapPrio) {
    tellMangle(c, 'priority', c.skb.priority, info.prio);
    c.skb.priority = info.prio;
  }
}

/** The tool asks the kernel for the set and compares families. */
export function checkSet(name: string, ctx: CheckContext): void {
  if (!ctx.sets) return;
  const set = ctx.sets.describe(name);
  if (!set) throw new OptionError(`Set ${name} doesn't exist.`, undefined, 'create it first: ipset create …');
  if (set.family !== 'unspec' && set.family !== ctx.family) {
    throw new OptionError(`The protocol family of set ${name} is ${set.family === 'ipv4' ? 'IPv4' : 'IPv6'}, which is not applicable.`);
  }
}
