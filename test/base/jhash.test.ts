import { expect, it } from 'vitest';
import { jhash, reciprocalScale } from '../../src/base/jhash.js';

/** initval; words; what the kernel's jhash2() makes of them (compiled from linux/jhash.h). */
const rows: readonly (readonly [number, readonly number[], number])[] = [
  [3929015188, [2531298822], 3668937508],
  [1885069783, [2949625777, 2412066416], 2046951575],
  [1339408007, [399897268, 4008858953, 2809790180], 2157238046],
  [70284210, [3914080522, 2117134857, 1582501017, 1595812807], 1352866240],
  [189235266, [3482958483, 3168610698, 1953046929, 1242795379, 609998827], 3469578237],
  [436669855, [1075845579, 1030291588, 2108894679, 1030832101, 1572525906, 3549573166, 3826574136, 632852326], 2701635344],
];

it.each(rows)('jhash with initval %i of %j', (initval, words, hash) => {
  expect(jhash(words, initval)).toBe(hash);
});

it('a hash is scaled to less than the size', () => {
  expect([reciprocalScale(0, 10), reciprocalScale(0x7fffffff, 10), reciprocalScale(0xffffffff, 10), reciprocalScale(0xffffffff, 1)]).toEqual([0, 4, 9, 0]);
});
