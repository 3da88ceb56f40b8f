/** Runs of the report's scenario and its variants, each once. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { expect } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import type { FileSource } from '../../src/scenario/model.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';
import { execute, parseDo } from '../../src/tools/execute.js';

export const root = new URL('../../', import.meta.url).pathname;
export const files: FileSource = {
  read: (p) => (existsSync(root + p) && statSync(root + p).isFile() ? readFileSync(root + p, 'utf8') : null),
  list: (d) => (existsSync(root + d) ? readdirSync(root + d) : null),
};
export const main = 'scenarios/fabedge-edge-to-node.yaml';
export const variant = (name: string): string => `scenarios/fabedge-edge-to-node/variants/${name}.yaml`;

const done = new Map<string, ScenarioRun>();

export function replay(path: string, commands: readonly string[] = [], traceAll = false): ScenarioRun {
  const key = [path, ...commands, traceAll].join('\n');
  const known = done.get(key);
  if (known) return known;
  const { value, diagnostics } = loadScenario(path, files);
  expect(diagnostics).toEqual([]);
  if (!value) throw new Error(path);
  const extra = parseDo(value, commands, null);
  expect(extra.diagnostics).toEqual([]);
  const run = runScenario({ ...value, do: [...value.do, ...extra.value] }, { execute, traceAll });
  expect(run.diagnostics).toEqual([]);
  done.set(key, run);
  return run;
}
