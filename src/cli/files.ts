/** Files for the parts below that know none: the FileSource, diagnostics on stderr, scenarios by name. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, formatDiagnostic, hasErrors, nearest } from '../base/diagnostic.js';
import { loadScenario } from '../scenario/load.js';
import type { FileSource, Scenario } from '../scenario/model.js';

export const EXIT = { ok: 0, missed: 1, badInput: 2, environment: 3 } as const;

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export const diskFiles: FileSource = {
  read: (path) => orNull(() => readFileSync(path, 'utf8')),
  list: (dir) => orNull(() => readdirSync(dir).sort()),
  readBytes: (path) => orNull(() => new Uint8Array(readFileSync(path))),
};

/** The scenarios that come with the package. */
export const libraryDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'scenarios');

/** A path as it stands, or the name of a scenario of the library (with or without `.yaml`, in any topic folder); null where there is none. */
export function findScenario(given: string): string | null {
  if (existsSync(given) && statSync(given).isFile()) return given;
  const wanted = given.endsWith('.yaml') ? given : `${given}.yaml`;
  return scenarioFiles(libraryDir).find((f) => f.endsWith(`/${wanted}`)) ?? null;
}

/** All scenario files below a folder, sorted; `variants` folders and dumps are passed over. */
export function scenarioFiles(dir: string): string[] {
  const out: string[] = [];
  for (const name of diskFiles.list(dir) ?? []) {
    const path = join(dir, name);
    if (name.endsWith('.yaml')) out.push(path);
    else if (name !== 'variants' && statSync(path).isDirectory()) out.push(...scenarioFiles(path));
  }
  return out;
}

export function complain(diagnostics: readonly Diagnostic[]): void {
  for (const d of diagnostics) process.stderr.write(`${formatDiagnostic(withLine(d))}\n`);
}

/** What was found after loading (a command that failed) knows its place, not the line that stands there. */
function withLine(d: Diagnostic): Diagnostic {
  if (d.span === null || d.sourceLine !== undefined) return d;
  const line = diskFiles.read(d.span.file)?.split('\n')[d.span.line - 1];
  return line === undefined ? d : { ...d, sourceLine: line.slice(0, 300) };
}

/** The scenario, or null after everything wrong with it was printed. */
export function openScenario(given: string): Scenario | null {
  const path = findScenario(given);
  if (path === null) {
    const near = nearest(
      given,
      scenarioFiles(libraryDir).map((f) => basename(f, '.yaml')),
    );
    process.stderr.write(
      `${given}: error: there is no such file, and no scenario of that name (sim list shows them)\n${near ? `  hint: did you mean “${near}”?\n` : ''}`,
    );
    return null;
  }
  const { value, diagnostics } = loadScenario(path, diskFiles);
  complain(diagnostics);
  return hasErrors(diagnostics) ? null : value;
}
