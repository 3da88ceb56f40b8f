/** `-m limit --limit 3/hour --limit-burst 5`: a token bucket of the rule. */
import type { PacketCtx } from '../../pred.js';
import { type CheckContext, type MatchDef, OptionError } from '../extension.js';
import { parseRate, showRate } from '../rate.js';
import { given, uint } from '../values.js';

interface LimitMatch {
  /** Time a packet costs, in 1/10000 s. */
  readonly period: number;
  readonly burst: number;
}
/** XT_LIMIT_SCALE: parts of a second. */
const SCALE = 10000;
const PER_MS = SCALE / 1000;
const DEFAULT_BURST = 5;
const DEFAULT_PERIOD = (SCALE * 3600) / 3;

/** limit_mt(): credit grows with time up to `burst` packets' worth; a match costs one packet's. Full at the start. */
function take(d: LimitMatch, instance: object, c: PacketCtx): boolean {
  const cap = d.period * d.burst;
  const bucket = c.env.state(instance, () => ({ credit: cap, at: c.env.now() }));
  const now = c.env.now();
  bucket.credit = Math.min(cap, bucket.credit + (now - bucket.at) * PER_MS);
  bucket.at = now;
  if (bucket.credit < d.period) return false;
  bucket.credit -= d.period;
  return true;
}

/** HZ * CREDITS_PER_JIFFY, for HZ of 250 and of 1000. */
const CREDITS_PER_SECOND = 32000;
/** user2credits(), in 32 bits. */
const credits = (t: number): number =>
  (t > Math.floor(0xffffffff / CREDITS_PER_SECOND) ? Math.floor(t / SCALE) * CREDITS_PER_SECOND : Math.floor((t * CREDITS_PER_SECOND) / SCALE)) % 2 ** 32;

/** limit_mt_check(): a burst whose credit overflows 32 bits is refused. */
function check(d: LimitMatch, _: CheckContext): void {
  if (d.burst === 0 || credits(Math.imul(d.period, d.burst) >>> 0) < credits(d.period))
    throw new OptionError(`Overflow, try lower: ${d.period}/${d.burst}`, 'limit-burst');
}

export const limit: MatchDef<LimitMatch> = {
  name: 'limit',
  kernel: 'net/netfilter/xt_limit.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'limit', arg: 'required' },
    { name: 'limit-burst', arg: 'required' },
  ],
  parse: (gs) => {
    const rate = given(gs, 'limit');
    const burst = given(gs, 'limit-burst');
    const parsed = rate && parseRate(rate.value, SCALE, 'limit');
    if (parsed === null) throw new OptionError(`bad rate "${rate!.value}"'`, 'limit', 'for example 10/minute');
    return { period: parsed?.period ?? DEFAULT_PERIOD, burst: burst ? uint('limit', burst, 0, 10000) : DEFAULT_BURST };
  },
  print: (d) => ` --limit ${showRate(d.period, SCALE)}${d.burst === DEFAULT_BURST ? '' : ` --limit-burst ${d.burst}`}`,
  check,
  lower: (d) => {
    // Equal options of two rules are one value; each rule has a bucket of its own.
    const instance = {};
    return [{ kind: 'stateful', name: 'limit', test: (c) => take(d, instance, c), show: `at most ${showRate(d.period, SCALE)} after a burst of ${d.burst}` }];
  },
};
