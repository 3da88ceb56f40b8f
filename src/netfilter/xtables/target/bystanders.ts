/** Targets that leave the packet as it is: AUDIT, IDLETIMER, LED, RATEEST (xt_AUDIT.c, xt_IDLETIMER.c, xt_LED.c, xt_RATEEST.c). Nothing here reads what they keep. */
import type { Given, TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { parseUint, U32 } from '../numbers.js';
import { BOTH, find, has, textOption, uintOption } from './common.js';

const AUDIT_TYPES = ['accept', 'drop', 'reject'];

export const AUDIT: TargetDef<string> = {
  name: 'AUDIT',
  kernel: 'net/netfilter/xt_AUDIT.c',
  families: BOTH,
  options: [{ name: 'type', arg: 'required', mandatory: true }],
  parse(given) {
    const type = AUDIT_TYPES.find((t) => t === given[0].value.toLowerCase());
    if (type === undefined) throw new OptionError(`Bad action type value "${given[0].value}"`, 'type', AUDIT_TYPES.join(', '));
    return type;
  },
  print: (type) => ` --type ${type}`,
  lower: () => () => 'CONTINUE',
};

interface IdletimerData {
  readonly timeout: number;
  readonly label: string;
  readonly alarm: boolean;
}

export const IDLETIMER: TargetDef<IdletimerData> = {
  name: 'IDLETIMER',
  kernel: 'net/netfilter/xt_IDLETIMER.c',
  families: BOTH,
  options: [
    { name: 'timeout', arg: 'required', mandatory: true },
    { name: 'label', arg: 'required', mandatory: true },
    { name: 'alarm', arg: 'none' },
  ],
  parse: (given) => ({
    timeout: uintOption('IDLETIMER', find(given, 'timeout') as Given, U32),
    label: textOption(find(given, 'label') as Given, 27),
    alarm: has(given, 'alarm'),
  }),
  print: (d) => ` --timeout ${d.timeout} --label ${d.label}${d.alarm ? ' --alarm' : ''}`,
  check(d) {
    if (d.timeout === 0) throw new OptionError('IDLETIMER: timeout value is zero', 'timeout');
    if (d.timeout >= 0x7fffffff / 1000) throw new OptionError('IDLETIMER: timeout value is too big', 'timeout');
  },
  lower: () => () => 'CONTINUE',
};

interface LedData {
  readonly id: string;
  /** Milliseconds; null: inf. */
  readonly delay: number | null;
  readonly alwaysBlink: boolean;
}

export const LED: TargetDef<LedData> = {
  name: 'LED',
  kernel: 'net/netfilter/xt_LED.c',
  families: BOTH,
  options: [
    { name: 'led-trigger-id', arg: 'required', mandatory: true },
    { name: 'led-delay', arg: 'required' },
    { name: 'led-always-blink', arg: 'none' },
  ],
  parse(given) {
    const delay = find(given, 'led-delay');
    const ms = delay ? parseUint(delay.value, 0, 0x7fffffff) : 0;
    if (delay && delay.value !== 'inf' && ms === null) throw new OptionError(`Delay value must be within range 0..${0x7fffffff}`, 'led-delay');
    return {
      id: textOption(find(given, 'led-trigger-id') as Given, 17),
      delay: delay?.value === 'inf' ? null : ms,
      alwaysBlink: has(given, 'led-always-blink'),
    };
  },
  print(d) {
    const delay = d.delay === null ? ' --led-delay inf' : d.delay > 0 ? ` --led-delay ${d.delay}` : '';
    return ` --led-trigger-id "${d.id.replace(/["'\\]/g, '\\$&')}"${delay}${d.alwaysBlink ? ' --led-always-blink' : ''}`;
  },
  lower: () => () => 'CONTINUE',
};

interface RateestData {
  readonly name: string;
  /** Microseconds, a power of two quarters of a second. */
  readonly interval: number;
  readonly ewmaLog: number;
}

const SECOND = 1_000_000;
const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['us', 1],
  ['usec', 1],
  ['usecs', 1],
  ['ms', 1000],
  ['msec', 1000],
  ['msecs', 1000],
  ['s', SECOND],
  ['sec', SECOND],
  ['secs', SECOND],
]);

function microseconds(g: Given): number {
  const m = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(g.value);
  const unit = m ? UNITS.get(m[2]) : undefined;
  if (!m || unit === undefined)
    throw new OptionError(`RATEEST: bad ${g.name.slice('rateest-'.length)} value "${g.value}"`, g.name, 'a number with s, ms or us behind it');
  return Math.floor(Number(m[1]) * unit) % 2 ** 32;
}

const showTime = (us: number): string => (us >= SECOND ? `${(us / SECOND).toFixed(1)}s` : us >= 1000 ? `${(us / 1000).toFixed(1)}ms` : `${us}us`);

export const RATEEST: TargetDef<RateestData> = {
  name: 'RATEEST',
  kernel: 'net/netfilter/xt_RATEEST.c',
  families: BOTH,
  options: ['rateest-name', 'rateest-interval', 'rateest-ewmalog'].map((name) => ({ name, arg: 'required', mandatory: name === 'rateest-name' })),
  parse(given) {
    const intervalOption = find(given, 'rateest-interval');
    const ewmaOption = find(given, 'rateest-ewmalog');
    if (!intervalOption) throw new OptionError('RATEEST: no interval specified');
    const wanted = microseconds(intervalOption);
    const ewma = ewmaOption ? microseconds(ewmaOption) : 0;
    let step = 0;
    while (step <= 5 && wanted > (1 << step) * (SECOND / 4)) step++;
    if (step > 5) throw new OptionError('RATEEST: interval value is too large', 'rateest-interval');
    let log = 1;
    while (log < 32 && wanted / -Math.log(1 - 1 / 2 ** log) <= ewma) log++;
    log--;
    if (log === 0 || log >= 31) throw new OptionError('RATEEST: ewmalog value is out of range', 'rateest-ewmalog');
    return { name: textOption(find(given, 'rateest-name') as Given, 15), interval: (1 << step) * (SECOND / 4), ewmaLog: log };
  },
  print: (d) => ` --rateest-name ${d.name} --rateest-interval ${showTime(d.interval)} --rateest-ewmalog ${showTime(d.interval * 2 ** d.ewmaLog)}`,
  lower: () => () => 'CONTINUE',
};
