import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexFile, scenarioIndex, scenariosDir } from '../../scripts/scenario-index.js';
import { diskFiles, scenarioFiles } from '../../src/cli/files.js';
import { endingOf, testScenario, testWhatIfs } from '../../src/harness/suite.js';
import { loadScenario } from '../../src/scenario/load.js';

const files = scenarioFiles(scenariosDir);
const nameOf = (file: string): string => relative(scenariosDir, file).replace(/\.yaml$/, '');
const library = files.filter((f) => nameOf(f).includes('/'));

describe('the library', () => {
  it('has at least thirty scenarios, and names that tell them apart', () => {
    expect(library.length).toBeGreaterThanOrEqual(30);
    expect(new Set(files.map((f) => basename(f))).size).toBe(files.length);
  });

  it.each(files.map((f) => [nameOf(f), f] as const))('%s: what it expects holds', (_, file) => {
    const loaded = loadScenario(file, diskFiles);
    const result = testScenario(file, loaded);
    for (const r of [result, ...testWhatIfs(result)]) {
      expect(r.diagnostics, r.name).toEqual([]);
      expect(r.verdicts.filter((v) => !v.ok).map((v) => `${r.name} ${v.expectation.packet} ${v.label}: expected ${v.expected}, ${v.actual}`)).toEqual([]);
      expect(endingOf(r)).toBe('ok');
    }
  });

  it.each(library.map((f) => [nameOf(f), f] as const))('%s: says what it is, and what repairs it', (name, file) => {
    const { value } = loadScenario(file, diskFiles);
    if (!value) throw new Error(name);
    expect(value.name).toBe(basename(file, '.yaml'));
    expect(value.description.split(/\n\s*\n/).length, 'symptom, then cause').toBeGreaterThanOrEqual(2);
    expect(value.tags.some((t) => /^S\d\d$/.test(t)) || /\w#\d+/.test(value.description), 'it happened to somebody').toBe(true);
    expect(value.whatIf.length).toBeGreaterThanOrEqual(1);
    for (const w of value.whatIf) expect(w.expect.length, w.name).toBeGreaterThanOrEqual(1);
  });

  /** A what-if is there because something becomes different, or because one would think so: at least one of a scenario's must change what a packet's own expectations say. */
  it.each(library.map((f) => [nameOf(f), f] as const))('%s: some what-if changes what the file expects', (_, file) => {
    const loaded = loadScenario(file, diskFiles);
    const base = testScenario(file, loaded);
    const s = loaded.value;
    if (!s || !base.run) throw new Error('not loaded');
    const changes = s.whatIf.some((w) => {
      const r = testScenario(file, { value: { ...s, do: [...s.do, ...w.commands], whatIf: [] }, diagnostics: [] });
      return r.verdicts.some((v) => !v.ok);
    });
    expect(changes).toBe(true);
  });

  it('the index page is up to date (npx tsx scripts/scenario-index.ts)', () => {
    expect(readFileSync(indexFile, 'utf8')).toBe(scenarioIndex());
    expect(readFileSync(join(scenariosDir, 'README.md'), 'utf8')).toContain('hairpin-nat');
  });
});
