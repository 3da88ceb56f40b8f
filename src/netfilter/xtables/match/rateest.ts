/** `-m rateest`: compares rate estimators that RATEEST rules keep; estimators run on timers, which are not simulated. */
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { parseUint } from '../numbers.js';
import { unsupportedSteps } from '../unsupported.js';
import { bang, given, isGiven } from '../values.js';

type Mode = 'lt' | 'gt' | 'eq';
interface RateestMatch {
  readonly name1: string;
  /** Compared with a second estimator, or null: with the rates given. */
  readonly name2: string | null;
  readonly delta: boolean;
  /** Bytes a second; null: not compared. */
  readonly bps: readonly [number, number] | null;
  readonly pps: readonly [number, number] | null;
  readonly mode: Mode | null;
  readonly invert: boolean;
}

/** Suffix and bits a second. */
const SUFFIXES: readonly (readonly [string, number])[] = [
  ['bit', 1],
  ['kibit', 1024],
  ['kbit', 1000],
  ['mibit', 1024 ** 2],
  ['mbit', 1e6],
  ['gibit', 1024 ** 3],
  ['gbit', 1e9],
  ['tibit', 1024 ** 4],
  ['tbit', 1e12],
  ['bps', 8],
  ['kibps', 8 * 1024],
  ['kbps', 8000],
  ['mibps', 8 * 1024 ** 2],
  ['mbps', 8e6],
  ['gibps', 8 * 1024 ** 3],
  ['gbps', 8e9],
  ['tibps', 8 * 1024 ** 4],
  ['tbps', 8e12],
];

function parseBps(g: Given | undefined): number {
  if (!g || g.value === '') return 0;
  const m = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(.*)$/.exec(g.value);
  const scale = m?.[2] === '' ? 1 : SUFFIXES.find(([n]) => n === m?.[2].toLowerCase())?.[1];
  if (!m || scale === undefined) throw new OptionError(`rateest: could not parse rate \`${g.value}'`, g.name);
  return Math.trunc((Number(m[1]) * scale) / 8);
}

function parsePps(g: Given | undefined): number {
  if (!g || g.value === '') return 0;
  const n = parseUint(g.value);
  if (n === null) throw new OptionError(`rateest: could not parse pps \`${g.value}'`, g.name);
  return n;
}

const MODES: readonly Mode[] = ['lt', 'gt', 'eq'];

function parse(gs: readonly Given[]): RateestMatch {
  const modes = gs.filter((g) => MODES.some((m) => g.name === `rateest-${m}`));
  if (modes.length > 1) throw new OptionError("rateest: can't specify lt/gt/eq twice", modes[1].name);
  const has = (unit: string) => isGiven(gs, `rateest-${unit}1`) || isGiven(gs, `rateest-${unit}2`);
  return {
    name1: (given(gs, 'rateest1')?.value ?? '').slice(0, 15),
    name2: given(gs, 'rateest2')?.value.slice(0, 15) ?? null,
    delta: isGiven(gs, 'rateest-delta'),
    bps: has('bps') ? [parseBps(given(gs, 'rateest-bps1')), parseBps(given(gs, 'rateest-bps2'))] : null,
    pps: has('pps') ? [parsePps(given(gs, 'rateest-pps1')), parsePps(given(gs, 'rateest-pps2'))] : null,
    mode: modes[0] ? (modes[0].name.slice(-2) as Mode) : null,
    invert: modes[0]?.invert ?? false,
  };
}

function showBps(rate: number): string {
  const bits = rate * 8;
  if (bits >= 1e9) return `${(bits / 1e6).toFixed(0)}Mbit`;
  return bits >= 1e6 ? `${(bits / 1e3).toFixed(0)}Kbit` : `${bits}bit`;
}

function showRates(d: RateestMatch, unit: string, rates: readonly [number, number] | null, show: (n: number) => string): string {
  if (!rates) return '';
  const mode = `${bang(d.invert)} --rateest-${d.mode ?? 'eq'}`;
  if (d.delta) return ` --rateest-${unit}1 ${show(rates[0])}${mode} --rateest-${unit}2 ${show(rates[1])}`;
  return `${mode} --rateest-${unit}${d.name2 === null ? ` ${show(rates[1])}` : ''}`;
}

function print(d: RateestMatch): string {
  const rates = showRates(d, 'bps', d.bps, showBps) + showRates(d, 'pps', d.pps, String);
  return `${d.delta ? ' --rateest-delta' : ''}${d.name2 === null ? ` --rateest ${d.name1}${rates}` : ` --rateest1 ${d.name1}${rates} --rateest2 ${d.name2}`}`;
}

/** xt_rateest_mt_checkentry(); that the estimators exist is not checked. */
function check(d: RateestMatch, _: CheckContext): void {
  if (!d.mode) throw new OptionError('rateest: one of --rateest-lt, --rateest-gt, --rateest-eq is needed');
  if (!d.bps && !d.pps) throw new OptionError('rateest: bytes or packets a second must be compared');
  if (d.name1 === '') throw new OptionError('rateest: no estimator named');
}

export const rateest: MatchDef<RateestMatch> = {
  name: 'rateest',
  kernel: 'net/netfilter/xt_rateest.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'rateest1', arg: 'required' },
    { name: 'rateest', arg: 'required', alias: 'rateest1' },
    { name: 'rateest2', arg: 'required' },
    { name: 'rateest-bps1', arg: 'optional' },
    { name: 'rateest-pps1', arg: 'optional' },
    { name: 'rateest-bps2', arg: 'optional' },
    { name: 'rateest-pps2', arg: 'optional' },
    { name: 'rateest-bps', arg: 'optional', alias: 'rateest-bps2' },
    { name: 'rateest-pps', arg: 'optional', alias: 'rateest-pps2' },
    { name: 'rateest-delta', arg: 'none' },
    { name: 'rateest-lt', arg: 'none', invert: true },
    { name: 'rateest-gt', arg: 'none', invert: true },
    { name: 'rateest-eq', arg: 'none', invert: true },
  ],
  parse,
  print,
  check,
  lower: (d) => unsupportedSteps('rateest', print(d)),
  unsupported: true,
};
