/** Token bucket. ebtables-nft runs it as nft_limit: a bucket of `burst` packets' worth of time, one packet costs 1/rate. */
import { OptionError } from '../../xtables/extension.js';
import { type EbtMatchDef, ebtOption, givenValue } from '../option.js';
import { parseNumber } from '../values.js';

interface Rate {
  readonly count: number;
  readonly unit: 'sec' | 'min' | 'hour' | 'day';
}
const UNITS: readonly (readonly [Rate['unit'], string, number])[] = [
  ['sec', 'second', 1000],
  ['min', 'minute', 60_000],
  ['hour', 'hour', 3_600_000],
  ['day', 'day', 86_400_000],
];
const DEFAULT_BURST = 5;

function parseRate(text: string): Rate {
  const [n, u = 'sec'] = text.split('/');
  const unit = UNITS.find(([, long]) => u !== '' && long.startsWith(u.toLowerCase()));
  const count = Number(n);
  if (!unit || !Number.isInteger(count) || count <= 0) throw new OptionError(`bad rate '${text}'`);
  return { count, unit: unit[0] };
}

export const limitMatch: EbtMatchDef = {
  name: 'limit',
  kernel: 'net/bridge/netfilter/ebt_limit.c',
  options: [
    ebtOption<Rate>({ name: 'limit', noInvert: true, parse: parseRate, print: (r) => `${r.count}/${r.unit}` }),
    ebtOption<number>({ name: 'limit-burst', noInvert: true, parse: (t) => parseNumber(t, 1, 10000, '--limit-burst'), print: String }),
  ],
  finish(given) {
    const rate = givenValue(given, 'limit') ?? { count: 3, unit: 'hour' };
    const burst = givenValue(given, 'limit-burst') ?? DEFAULT_BURST;
    return [
      { option: 'limit', invert: false, value: rate },
      { option: 'limit-burst', invert: false, value: burst },
    ];
  },
  steps(given) {
    const rate = givenValue(given, 'limit') as Rate;
    const burst = givenValue(given, 'limit-burst') as number;
    const cost = (UNITS.find(([u]) => u === rate.unit)?.[2] ?? 1000) / rate.count;
    const most = cost * burst;
    return [
      {
        kind: 'stateful',
        name: 'limit',
        show: `${rate.count}/${rate.unit}, burst ${burst}`,
        test(c) {
          const now = c.env.now();
          const s = c.env.state(given, () => ({ tokens: most, last: now }));
          const tokens = Math.min(most, s.tokens + now - s.last) - cost;
          s.last = now;
          s.tokens = tokens >= 0 ? tokens : tokens + cost;
          return tokens >= 0;
        },
      },
    ];
  },
};
