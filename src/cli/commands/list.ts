/** `sim list`: the scenarios of the library, a line each. */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { loadScenario } from '../../scenario/load.js';
import { diskFiles, EXIT, libraryDir, scenarioFiles } from '../files.js';
import { out } from '../out.js';

export function register(program: Command): void {
  program
    .command('list')
    .description('The scenarios that come with this program')
    .option('--tag <tag>', 'only those with this tag')
    .action((o: { readonly tag?: string }) => {
      process.exitCode = run(o.tag ?? null);
    });
}

/** The first sentence of a description. */
const firstLine = (text: string): string => {
  const flat = text.replace(/\s+/g, ' ').trim();
  const end = flat.search(/\.( |$)/);
  return end < 0 ? flat : flat.slice(0, end + 1);
};

function run(tag: string | null): number {
  const rows: [string, string][] = [];
  for (const file of scenarioFiles(libraryDir)) {
    const { value } = loadScenario(file, diskFiles);
    const name = relative(libraryDir, file).replace(/\.yaml$/, '');
    if (value === null) rows.push([name, '(cannot be read: sim run says why)']);
    else if (tag === null || value.tags.includes(tag)) rows.push([name, firstLine(value.description)]);
  }
  const width = Math.max(0, ...rows.map(([n]) => n.length));
  out(rows.map(([n, d]) => `${n.padEnd(width)}  ${d}`.trimEnd() + '\n').join(''));
  return EXIT.ok;
}
