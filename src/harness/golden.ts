/** Golden trace files: what they should contain after `--update`. */

import { flowOf } from './expect/flow.js';
import { goldenText } from './expect/trace.js';
import type { ScenarioResult } from './suite.js';

export interface GoldenFile {
  readonly file: string;
  readonly text: string;
}

/** Of every golden file that a `trace:` of the scenario names, its text as the run printed it. Inline golden texts have no file and stay. */
export function goldenFiles(r: ScenarioResult): GoldenFile[] {
  const out: GoldenFile[] = [];
  for (const e of r.run?.scenario.expect ?? []) {
    if (e.key !== 'trace' || e.files.length === 0) continue;
    const flows = (r.run?.packets ?? []).filter((p) => p.packet.name === e.packet).map(flowOf);
    for (const g of e.files) out.push({ file: g.file, text: goldenText(flows, g.node, e.direction) });
  }
  return out;
}
