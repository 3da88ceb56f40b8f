/** Scenario files named on a command line: files, folders, names of the library, and patterns with * ** ? that no shell expanded. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findScenario, scenarioFiles } from './files.js';

/** Sorted within each argument, each file once. `missing`: arguments that name nothing. */
export function scenarioPaths(given: readonly string[]): { files: string[]; missing: string[] } {
  const files = new Set<string>();
  const missing: string[] = [];
  for (const g of given) {
    const found = filesOf(g);
    if (found.length === 0) missing.push(g);
    for (const f of found) files.add(f);
  }
  return { files: [...files], missing };
}

function filesOf(given: string): string[] {
  if (existsSync(given) && statSync(given).isDirectory()) return scenarioFiles(given);
  if (/[*?]/.test(given) && !existsSync(given)) return matching(given);
  const file = findScenario(given);
  return file === null ? [] : [file];
}

function matching(pattern: string): string[] {
  const parts = pattern.split('/');
  const fixed = parts.slice(
    0,
    Math.max(
      0,
      parts.findIndex((p) => /[*?]/.test(p)),
    ),
  );
  const dir = fixed.join('/') || (pattern.startsWith('/') ? '/' : '.');
  if (!existsSync(dir)) return [];
  const wanted = patternOf(pattern);
  const out: string[] = [];
  const walk = (d: string, prefix: string): void => {
    for (const e of readdirSync(d, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (e.name === 'node_modules' || e.name.startsWith('.')) continue;
      const path = prefix === '' ? e.name : `${prefix}/${e.name}`;
      if (e.isDirectory()) walk(join(d, e.name), path);
      else if (wanted.test(path)) out.push(path);
    }
  };
  walk(dir, fixed.join('/'));
  return out;
}

function patternOf(pattern: string): RegExp {
  const source = pattern.replace(/[.+^${}()|[\]\\]|\*\*\/|\*\*|\*|\?/g, (m) =>
    m === '**/' ? '(?:.*/)?' : m === '**' ? '.*' : m === '*' ? '[^/]*' : m === '?' ? '[^/]' : `\\${m}`,
  );
  return new RegExp(`^${source}$`);
}
