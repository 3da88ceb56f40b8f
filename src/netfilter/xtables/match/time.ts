/** `-m time --timestart --timestop --datestart --datestop --weekdays --monthdays`: on the node's (virtual) clock. */
import { call, type PacketCtx } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { given, isGiven } from '../values.js';

interface TimeMatch {
  /** Seconds since midnight. */
  readonly daytimeStart: number;
  readonly daytimeStop: number;
  /** Seconds since the epoch, UTC. */
  readonly dateStart: number;
  readonly dateStop: number;
  /** Bits 1..31 and 1..7, Monday first. */
  readonly monthdays: number;
  readonly weekdays: number;
  readonly kerneltz: boolean;
  readonly contiguous: boolean;
}
const DAY = 86400;
const MAX_DATE = 0x7fffffff;
const ALL_MONTHDAYS = 0xfffffffe;
const ALL_WEEKDAYS = 0xfe;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** YYYY[-MM[-DD[Thh[:mm[:ss]]]]] */
function parseDate(g: Given | undefined, or: number): number {
  if (!g) return or;
  const m = /^(\d+)(?:-(\d+)(?:-(\d+)(?:T(\d+)(?::(\d+)(?::(\d+))?)?)?)?)?$/.exec(g.value);
  const [year, month = 1, day = 1, h = 0, min = 0, s = 0] = (m?.slice(1) ?? []).map((t) => (t === undefined ? undefined : Number(t)));
  if (year === undefined || year < 1970 || year > 2038 || month > 12 || day > 31 || h > 23 || min > 59 || s > 59) {
    throw new OptionError(`Invalid date "${g.value}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`, g.name);
  }
  const seconds = Date.UTC(year, month - 1, day, h, min, s) / 1000;
  if (seconds < 0) throw new OptionError('mktime returned an error', g.name);
  return seconds;
}

/** hh:mm[:ss] */
function parseDaytime(g: Given | undefined, or: number): number {
  if (!g) return or;
  const m = /^(\d+):(\d+)(?::(\d+))?$/.exec(g.value);
  const [h, min, s] = m ? [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)] : [99, 0, 0];
  if (h > 23 || min > 59 || s > 59) throw new OptionError(`invalid time "${g.value}" specified, should be hh:mm[:ss] format and within the boundaries`, g.name);
  return h * 3600 + min * 60 + s;
}

/** Words between commas; one at the end adds none. */
function wordsOf(g: Given): string[] {
  const words = g.value.split(',');
  if (words.at(-1) === '') words.pop();
  return words;
}

function parseMonthdays(g: Given | undefined): number {
  if (!g) return ALL_MONTHDAYS;
  let bits = 0;
  for (const word of wordsOf(g)) {
    const n = /^\d+$/.test(word) ? Number(word) : word === '' ? 0 : 99;
    if (n > 31) throw new OptionError(`${word} is not a valid day for --monthdays`, g.name);
    bits |= 1 << n;
  }
  return (g.invert ? bits ^ ALL_MONTHDAYS : bits) >>> 0;
}

function parseWeekdays(g: Given | undefined): number {
  if (!g) return ALL_WEEKDAYS;
  let bits = 0;
  for (const word of wordsOf(g)) {
    if (word === '' || /^\d+$/.test(word)) {
      if (Number(word) === 0) throw new OptionError('No, the week does NOT begin with Sunday.', g.name);
      bits |= 1 << Number(word);
      continue;
    }
    const day = word.length < 2 ? -1 : WEEKDAYS.findIndex((d) => d.startsWith(word.slice(0, 2)));
    if (day < 0) throw new OptionError(`${word} is not a valid day specifier`, g.name, `one of ${WEEKDAYS.join(', ')} or 1 to 7`);
    bits |= 1 << (day + 1);
  }
  return g.invert ? bits ^ ALL_WEEKDAYS : bits;
}

function parse(gs: readonly Given[]): TimeMatch {
  const d: TimeMatch = {
    daytimeStart: parseDaytime(given(gs, 'timestart'), 0),
    daytimeStop: parseDaytime(given(gs, 'timestop'), DAY - 1),
    dateStart: parseDate(given(gs, 'datestart'), 0),
    dateStop: parseDate(given(gs, 'datestop'), MAX_DATE),
    monthdays: parseMonthdays(given(gs, 'monthdays')),
    weekdays: parseWeekdays(given(gs, 'weekdays')),
    kerneltz: isGiven(gs, 'kerneltz') || isGiven(gs, 'localtz'),
    contiguous: isGiven(gs, 'contiguous'),
  };
  if (d.contiguous && d.daytimeStart < d.daytimeStop)
    throw new OptionError('time: --contiguous only makes sense when stoptime is smaller than starttime', 'contiguous');
  return d;
}

const two = (n: number): string => String(n).padStart(2, '0');
const showDaytime = (s: number): string => `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
const showDate = (s: number): string => new Date(s * 1000).toISOString().slice(0, 19);

const print = (d: TimeMatch): string =>
  (d.daytimeStart !== 0 || d.daytimeStop !== DAY - 1 ? ` --timestart ${showDaytime(d.daytimeStart)} --timestop ${showDaytime(d.daytimeStop)}` : '') +
  (d.monthdays !== ALL_MONTHDAYS
    ? ` --monthdays ${Array.from({ length: 31 }, (_, i) => i + 1)
        .filter((n) => (d.monthdays >>> n) & 1)
        .join(',')}`
    : '') +
  (d.weekdays !== ALL_WEEKDAYS ? ` --weekdays ${WEEKDAYS.filter((_, i) => (d.weekdays >>> (i + 1)) & 1).join(',')}` : '') +
  (d.dateStart !== 0 ? ` --datestart ${showDate(d.dateStart)}` : '') +
  (d.dateStop !== 0 ? ` --datestop ${showDate(d.dateStop)}` : '') +
  (d.kerneltz ? ' --kerneltz' : '') +
  (d.contiguous ? ' --contiguous' : '');

/** time_mt(). The kernel's own time zone is taken to be UTC. */
function matches(d: TimeMatch, c: PacketCtx): boolean {
  let stamp = Math.floor(c.env.now() / 1000);
  if (stamp < d.dateStart || stamp > d.dateStop) return false;
  const daytime = stamp % DAY;
  if (d.daytimeStart < d.daytimeStop) {
    if (daytime < d.daytimeStart || daytime > d.daytimeStop) return false;
  } else {
    if (daytime < d.daytimeStart && daytime > d.daytimeStop) return false;
    if (d.contiguous && daytime <= d.daytimeStop) stamp -= DAY;
  }
  const date = new Date(stamp * 1000);
  const weekday = date.getUTCDay() || 7;
  return ((d.weekdays >>> weekday) & 1) === 1 && ((d.monthdays >>> date.getUTCDate()) & 1) === 1;
}

function check(d: TimeMatch, _: CheckContext): void {
  if (d.contiguous && d.daytimeStart < d.daytimeStop) throw new OptionError('--contiguous needs a stop time before the start time', 'contiguous');
}

export const time: MatchDef<TimeMatch> = {
  name: 'time',
  kernel: 'net/netfilter/xt_time.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'datestart', arg: 'required' },
    { name: 'datestop', arg: 'required' },
    { name: 'timestart', arg: 'required' },
    { name: 'timestop', arg: 'required' },
    { name: 'contiguous', arg: 'none' },
    { name: 'weekdays', arg: 'required', invert: true },
    { name: 'monthdays', arg: 'required', invert: true },
    { name: 'localtz', arg: 'none', excl: ['utc'] },
    { name: 'utc', arg: 'none', excl: ['localtz', 'kerneltz'] },
    { name: 'kerneltz', arg: 'none', excl: ['utc'] },
  ],
  parse,
  print,
  check,
  lower: (d) => [
    {
      kind: 'test',
      pred: call(
        'time',
        [],
        (c) => matches(d, c),
        print(d).trim(),
        (c) => showDate(Math.floor(c.env.now() / 1000)),
      ),
    },
  ],
};
