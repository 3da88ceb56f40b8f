/** `-m set [!] --match-set NAME src,dst,…`: is the packet in an IP set? */
import type { SetTestOptions } from '../../env.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { scanUint } from '../numbers.js';
import { bang, given, isGiven } from '../values.js';

export type CounterOp = 'eq' | 'ne' | 'lt' | 'gt';
interface SetMatch {
  readonly set: string;
  /** true = src, one per direction given. */
  readonly dirs: readonly boolean[];
  readonly invert: boolean;
  readonly returnNomatch: boolean;
  readonly updateCounters: boolean;
  readonly updateSubcounters: boolean;
  readonly packets: { readonly op: CounterOp; readonly value: bigint } | null;
  readonly bytes: { readonly op: CounterOp; readonly value: bigint } | null;
}

const MAX_NAME = 31;
/** IPSET_DIM_MAX */
const MAX_DIRS = 6;

/** `src,dst,…` */
function parseDirs(text: string, option: string): readonly boolean[] {
  const words = text.split(',');
  if (words.length > MAX_DIRS) throw new OptionError(`Can't be more src/dst options than ${MAX_DIRS}.`, option);
  return words.map((w) => {
    if (w !== 'src' && w !== 'dst') throw new OptionError('You must spec. src or dst (comma separated list).', option);
    return w === 'src';
  });
}

/** `NAME src,dst` of `--match-set`, `--add-set` and the like. */
function parseSetDirs(g: Given): { readonly set: string; readonly dirs: readonly boolean[] } {
  const at = g.value.lastIndexOf(' ');
  const set = g.value.slice(0, at);
  if (at < 0) throw new OptionError(`--${g.name} requires two args.`, g.name);
  if (set.length > MAX_NAME) throw new OptionError(`setname \`${set}' too long, max ${MAX_NAME} characters.`, g.name);
  return { set, dirs: parseDirs(g.value.slice(at + 1), g.name) };
}

const showDirs = (dirs: readonly boolean[]): string => dirs.map((src) => (src ? 'src' : 'dst')).join(',');

function parseCounter(gs: readonly Given[], what: 'packets' | 'bytes'): SetMatch['packets'] {
  const all = gs.filter((g) => g.name.startsWith(`${what}-`));
  if (all.length > 1) throw new OptionError(`only one of the --${what}-[eq|lt|gt] is allowed`, all[1].name);
  const g = all[0];
  if (!g) return null;
  const n = scanUint(g.value);
  if (n?.rest !== '') throw new OptionError(`Cannot parse ${g.value} as a counter value`, g.name);
  const op = g.name.slice(what.length + 1) as 'eq' | 'lt' | 'gt';
  return { op: op === 'eq' && g.invert ? 'ne' : op, value: n.value };
}

function parse(gs: readonly Given[]): SetMatch {
  const m = given(gs, 'match-set');
  if (!m) throw new OptionError("You must specify `--match-set' with proper arguments", 'match-set');
  return {
    ...parseSetDirs(m),
    invert: m.invert,
    returnNomatch: isGiven(gs, 'return-nomatch'),
    updateCounters: !gs.some((g) => g.name === 'update-counters' && g.invert),
    updateSubcounters: !gs.some((g) => g.name === 'update-subcounters' && g.invert),
    packets: parseCounter(gs, 'packets'),
    bytes: parseCounter(gs, 'bytes'),
  };
}

const showCounter = (what: string, m: SetMatch['packets']): string =>
  m ? `${m.op === 'ne' ? ' !' : ''} --${what}-${m.op === 'ne' ? 'eq' : m.op} ${m.value}` : '';

const counter = (m: SetMatch['packets']) => (m ? { op: m.op, value: Number(m.value) } : undefined);

/** set_match_v4_checkentry(): the set must be there. */
export function checkSet(set: string, ctx: CheckContext, option: string): void {
  if (ctx.sets && !ctx.sets.describe(set)) throw new OptionError(`Set ${set} doesn't exist.`, option);
}

export const set: MatchDef<SetMatch> = {
  name: 'set',
  kernel: 'net/netfilter/xt_set.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'match-set', arg: 'required', words: 2, invert: true },
    { name: 'set', arg: 'required', words: 2, invert: true, alias: 'match-set' },
    { name: 'return-nomatch', arg: 'none' },
    { name: 'update-counters', arg: 'none', invert: true },
    { name: 'update-subcounters', arg: 'none', invert: true },
    { name: 'packets-eq', arg: 'required', invert: true },
    { name: 'packets-lt', arg: 'required' },
    { name: 'packets-gt', arg: 'required' },
    { name: 'bytes-eq', arg: 'required', invert: true },
    { name: 'bytes-lt', arg: 'required' },
    { name: 'bytes-gt', arg: 'required' },
  ],
  parse,
  print: (d) =>
    `${bang(d.invert)} --match-set ${d.set} ${showDirs(d.dirs)}` +
    (d.returnNomatch ? ' --return-nomatch' : '') +
    (d.updateCounters ? '' : ' ! --update-counters') +
    (d.updateSubcounters ? '' : ' ! --update-subcounters') +
    showCounter('packets', d.packets) +
    showCounter('bytes', d.bytes),
  check: (d, ctx) => checkSet(d.set, ctx, 'match-set'),
  lower: (d) => {
    const packets = counter(d.packets);
    const bytes = counter(d.bytes);
    const options: SetTestOptions = {
      dirs: d.dirs,
      returnNomatch: d.returnNomatch,
      updateCounters: d.updateCounters,
      updateSubcounters: d.updateSubcounters,
      ...(packets ? { packets } : {}),
      ...(bytes ? { bytes } : {}),
    };
    const wanted = `${d.invert ? 'not ' : ''}in set ${d.set} by ${showDirs(d.dirs)}`;
    return [
      {
        kind: 'stateful',
        name: `set ${d.set}`,
        test: (c) => {
          const answer = c.env.sets.test(d.set, c, options);
          if (c.env.rec.on)
            c.env.rec.event({
              t: 'set-test',
              node: c.env.node,
              skb: c.skb.id,
              time: c.env.now(),
              set: d.set,
              member: answer.member,
              hit: answer.hit,
              rule: c.rule,
            });
          return answer.hit !== d.invert;
        },
        show: wanted,
      },
    ];
  },
};
