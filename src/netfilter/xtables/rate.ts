/** Rates as `--limit` and `--hashlimit-upto` take and print them: `3/hour`. A rate is kept as the time between two packets, in `scale` parts of a second. */
import { OptionError } from './extension.js';

const UNITS: readonly (readonly [name: string, short: string, seconds: number])[] = [
  ['second', 'sec', 1],
  ['minute', 'min', 60],
  ['hour', 'hour', 3600],
  ['day', 'day', 86400],
];

/** Seconds of a time unit of which a beginning was given; undefined when there is none such. */
const unitSeconds = (word: string): number | undefined => (word === '' ? undefined : UNITS.find(([n]) => n.startsWith(word.toLowerCase()))?.[2]);

export interface Rate {
  /** scale * seconds / packets, whole. */
  readonly period: number;
  /** Of the unit the rate was given in. */
  readonly seconds: number;
}

/** Null where it is no rate. Throws where it is too fast to count. */
export function parseRate(text: string, scale: number, option: string): Rate | null {
  const slash = text.indexOf('/');
  const seconds = slash < 0 ? 1 : unitSeconds(text.slice(slash + 1));
  const packets = Number(/^\s*\+?([0-9]{1,15})/.exec(text)?.[1] ?? 0);
  if (seconds === undefined || packets === 0) return null;
  const period = Math.floor((scale * seconds) / packets);
  if (period === 0) throw new OptionError(`Rate too fast "${text}"`, option);
  return { period, seconds };
}

/** The unit in which a period is shown: the largest that gives a whole number, about. */
function unitOf(period: number, scale: number): (typeof UNITS)[number] {
  for (let i = UNITS.length - 2; i >= 0; i--) {
    const whole = scale * UNITS[i][2];
    if (period > whole || Math.floor(whole / period) < whole % period) return UNITS[i + 1];
  }
  return UNITS[0];
}

/** `1000/hour` */
export function showRate(period: number, scale: number): string {
  const [, short, seconds] = unitOf(period, scale);
  return `${Math.floor((scale * seconds) / period)}/${short}`;
}

/** Seconds of the unit that `showRate` shows. */
export const shownUnitSeconds = (period: number, scale: number): number => unitOf(period, scale)[2];
