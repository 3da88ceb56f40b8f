/** Each change that a verdict offers, of every packet that fails in the library, is tried: with it the packet does not fail at that place any more. */
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { diskFiles, libraryDir, scenarioFiles } from '../../src/cli/files.js';
import { failed, failureOf } from '../../src/render/fates.js';
import type { Change } from '../../src/render/mend.js';
import { mendsOf } from '../../src/render/verdict.js';
import { parseScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/model.js';
import { type PacketRun, runScenario } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { execute, parseDo } from '../../src/tools/execute.js';

function load(file: string): Scenario {
  const { value } = parseScenario(diskFiles.read(file) ?? '', file, diskFiles);
  if (!value) throw new Error(file);
  return value;
}

const run = (s: Scenario): readonly PacketRun[] => runScenario(s, { execute, apply: applyAll }).packets;

/** Where it failed and of what; null where it did not. */
function place(p: PacketRun): string | null {
  if (!failed(p)) return null;
  const f = failureOf(p)?.fate;
  return JSON.stringify([f?.kind, f?.node, f?.drop?.cause, f?.drop?.rule?.table, f?.drop?.rule?.chain, f?.drop?.facts]);
}

interface Offer {
  readonly file: string;
  readonly nth: number;
  readonly change: Change;
  readonly was: string | null;
}

const files = scenarioFiles(libraryDir);
const offers: Offer[] = files.flatMap((file) =>
  run(load(file)).flatMap((p, nth) => (failed(p) ? mendsOf(p).map((change) => ({ file: file.slice(libraryDir.length + 1), nth, change, was: place(p) })) : [])),
);

describe('what a verdict says to try', () => {
  it('is offered for most failures of the library', () => expect(offers.length).toBeGreaterThan(25));
  it.each(offers.map((o) => [o.file, o.change.commands.map((x) => `${o.change.node}: ${x}`), o] as const))('%s: %s', (_file, commands, o) => {
    const s = load(`${libraryDir}/${o.file}`);
    const { value, diagnostics } = parseDo(s, commands, null);
    expect(diagnostics).toEqual([]);
    const after = runScenario({ ...s, do: [...s.do, ...value] }, { execute, apply: applyAll });
    expect(hasErrors(after.diagnostics)).toBe(false);
    expect(place(after.packets[o.nth])).not.toBe(o.was);
  });
});
