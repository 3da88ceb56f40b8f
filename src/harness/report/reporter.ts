/** How results become text: `each` after every scenario, `end` after the last. Either may be empty. */

import type { Verdict } from '../judge.js';
import type { ScenarioResult } from '../suite.js';

export interface TestReporter {
  readonly name: string;
  readonly summary: string;
  each(r: ScenarioResult): string;
  end(results: readonly ScenarioResult[]): string;
}

export const caseName = (v: Verdict): string => `${v.expectation.packet}: ${v.label}`;

/** `1 packet`, `2 packets`. */
export const counted = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

/** What a failure has to say, without markup. `before`: a walk of its packet that was shown already. */
export function failureLines(v: Verdict, before: readonly string[] = []): string[] {
  const again = v.walk.length > 0 && v.walk.every((l, i) => l === before[i]);
  return [
    `expected: ${v.expected}`,
    `actual:   ${v.actual}`,
    ...v.responsible,
    ...(again ? ['the walk up to there: as above'] : v.walk.length > 0 ? ['the walk up to there:', ...v.walk.map((l) => `  ${l}`)] : []),
  ];
}
