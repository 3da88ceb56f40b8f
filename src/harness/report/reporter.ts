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

/** What a failure has to say, without markup. */
export function failureLines(v: Verdict): string[] {
  return [
    `expected: ${v.expected}`,
    `actual:   ${v.actual}`,
    ...v.responsible,
    ...(v.walk.length > 0 ? ['the walk up to there:', ...v.walk.map((l) => `  ${l}`)] : []),
  ];
}
