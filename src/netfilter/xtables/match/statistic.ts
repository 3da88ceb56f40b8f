/** `-m statistic --mode random --probability p` and `--mode nth --every n --packet p`. */
import type { PacketCtx } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { U32 } from '../numbers.js';
import { bang, given, uint } from '../values.js';

type StatisticMatch = { readonly invert: boolean } & (
  | { readonly mode: 'random' /** Of 2^31. */; readonly probability: number }
  | { readonly mode: 'nth'; readonly every: number; readonly packet: number }
);

function probability(g: Given): number {
  const p = Number(g.value);
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(g.value) || p < 0 || p > 1) {
    throw new OptionError('statistic: bad value for option "--probability", or out of range (0-1).', g.name);
  }
  return Math.round(0x80000000 * p);
}

function parse(gs: readonly Given[]): StatisticMatch {
  const mode = given(gs, 'mode')?.value;
  if (mode !== 'random' && mode !== 'nth') throw new OptionError(`Bad mode "${mode}"`, 'mode', 'random or nth');
  const invert = gs.some((g) => g.invert);
  const p = given(gs, 'probability');
  const every = given(gs, 'every');
  const packet = given(gs, 'packet');
  if (mode === 'random') {
    if (!p) throw new OptionError('--probability must be specified when using random mode', 'mode');
    return { invert, mode, probability: probability(p) };
  }
  if (!every) throw new OptionError('--every and --packet must be specified when using nth mode', 'mode');
  const n = uint('statistic', every, 1, U32);
  const k = packet ? uint('statistic', packet, 0, U32) : 0;
  if (k > n - 1) throw new OptionError('the --packet p must be 0 <= p <= n-1', 'packet');
  return { invert, mode, every: n, packet: k };
}

/** statistic_mt(): the counter of a rule starts so that the packet of index `packet` is the first to match. */
function nth(d: StatisticMatch & { mode: 'nth' }, instance: object, c: PacketCtx): boolean {
  const counter = c.env.state(instance, () => ({ seen: 0 }));
  const hit = counter.seen % d.every === d.packet;
  counter.seen++;
  return hit;
}

export const statistic: MatchDef<StatisticMatch> = {
  name: 'statistic',
  kernel: 'net/netfilter/xt_statistic.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'mode', arg: 'required', mandatory: true },
    { name: 'probability', arg: 'required', invert: true, excl: ['every', 'packet'] },
    { name: 'every', arg: 'required', invert: true, excl: ['probability'], also: ['packet'] },
    { name: 'packet', arg: 'required', excl: ['probability'], also: ['every'] },
  ],
  parse,
  print: (d) =>
    d.mode === 'random'
      ? ` --mode random${bang(d.invert)} --probability ${(d.probability / 0x80000000).toFixed(11)}`
      : ` --mode nth${bang(d.invert)} --every ${d.every} --packet ${d.packet}`,
  lower: (d) => {
    if (d.mode === 'random') {
      const show = `a chance of ${(d.probability / 0x80000000).toFixed(6)}`;
      const test = (c: PacketCtx): boolean => c.env.choose.below(0x80000000, 'statistic', c.rule) < d.probability !== d.invert;
      return [{ kind: 'stateful', shared: true, name: 'statistic', test, show }];
    }
    // Equal options of two rules are one value; each rule counts for itself.
    const instance = {};
    return [{ kind: 'stateful', name: 'statistic', test: (c) => nth(d, instance, c) !== d.invert, show: `packet ${d.packet} of every ${d.every}` }];
  },
};
