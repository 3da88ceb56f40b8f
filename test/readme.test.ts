/**
 * The README's commands print what it shows. A block that starts with ```console holds `$ npx sim …` lines and their output;
 * a line `...` stands for any number of lines. Blocks of ```yaml are scenarios whose expectations hold. `UPDATE_GOLDEN=1 npx vitest run test/readme.test.ts` rewrites the outputs (heads of the same length where a block ends with `...`).
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { supportTable } from '../scripts/support-table.js';
import { splitShellWords as splitCommand } from '../src/base/shell-words.js';
import { parseScenario } from '../src/index.js';

const root = join(import.meta.dirname, '..');
const path = join(root, 'README.md');
const readme = readFileSync(path, 'utf8');

interface Shown {
  readonly command: string;
  readonly output: readonly string[];
  /** Line numbers of the output, from 0. */
  readonly from: number;
  readonly to: number;
}

function blocks(): Shown[] {
  const lines = readme.split('\n');
  const out: Shown[] = [];
  for (let i = 0; i < lines.length; i++) {
    if (lines[i] !== '```console') continue;
    for (i++; i < lines.length && lines[i] !== '```'; ) {
      const command = lines[i].replace(/^\$ /, '');
      const from = i + 1;
      let to = from;
      while (to < lines.length && lines[to] !== '```' && !lines[to].startsWith('$ ')) to++;
      out.push({ command, output: lines.slice(from, to), from, to });
      i = to;
    }
  }
  return out;
}

const asked = new Map<string, Promise<string[]>>();

/** The lines a command prints; each is run once, from the root of the repo. */
function run(command: string): Promise<string[]> {
  let answer = asked.get(command);
  if (!answer) {
    const words = splitCommand(command)!;
    answer = sim(words.slice(words.indexOf('sim') + 1));
    asked.set(command, answer);
  }
  return answer;
}

/** When the last of the files below was written, in ms; 0: there are none. */
function lastWritten(dir: string): number {
  const files = existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : [];
  return files.reduce((t, f) => Math.max(t, statSync(join(dir, f)).mtimeMs), 0);
}

/** As a user runs it where the build is up to date, else from source, which takes ten times as long to start. */
const built =
  lastWritten(join(root, 'dist/cli/packs')) > Math.max(lastWritten(join(root, 'src')), lastWritten(join(root, 'scripts')), lastWritten(join(root, 'bin')));
const program = built ? [join(root, 'bin/sim.cjs')] : ['--import', 'tsx', join(root, 'src/cli/main.ts')];

function sim(args: readonly string[]): Promise<string[]> {
  return new Promise((done) => {
    const options = { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, timeout: 60_000, maxBuffer: 1 << 25 } as const;
    execFile(process.execPath, [...program, ...args], options, (_, stdout, stderr) => {
      const text = `${stdout}${stderr}`.replace(/\n$/, '');
      done(text === '' ? [] : text.split('\n'));
    });
  });
}

/** Does `actual` fit `shown`, with `...` as a gap? */
function fits(shown: readonly string[], actual: readonly string[]): boolean {
  const gap = shown.indexOf('...');
  if (gap < 0) return shown.length === actual.length && shown.every((l, i) => l === actual[i]);
  const head = shown.slice(0, gap);
  const rest = shown.slice(gap + 1);
  if (!head.every((l, i) => l === actual[i])) return false;
  if (rest.length === 0) return actual.length >= head.length;
  for (let at = head.length; at <= actual.length; at++) if (fits(rest, actual.slice(at))) return true;
  return false;
}

function updated(shown: readonly string[], actual: readonly string[]): readonly string[] {
  const gap = shown.indexOf('...');
  return gap < 0 ? actual : gap === shown.length - 1 ? [...actual.slice(0, gap), '...'] : shown;
}

const BEGIN = '<!-- support table: npx tsx scripts/support-table.ts -->';
const END = '<!-- end of support table -->';

const found = blocks();
const update = process.env.UPDATE_GOLDEN === '1';

describe('README', () => {
  it('shows commands', () => expect(found.length).toBeGreaterThan(0));

  it.concurrent.each(found.map((b) => [b.command, b] as const))('%s', { timeout: 60_000 }, async (_, b) => {
    const actual = await run(b.command);
    if (update || fits(b.output, actual)) return;
    expect(actual).toEqual(b.output);
  });

  it.each([...readme.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((m) => [m[1]]))('its scenario holds', (text) => {
    const { verdicts, diagnostics } = parseScenario(text, 'README.md').check();
    expect(diagnostics).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(0);
    expect(verdicts.filter((v) => !v.ok)).toEqual([]);
  });

  it('shows the example that runs', () => {
    expect(readme).toContain(`\`\`\`ts\n${readFileSync(join(root, 'examples/generator.test.ts'), 'utf8')}\`\`\`\n`);
  });

  it('says what is evaluated', () => {
    if (update) return;
    expect(readme.slice(readme.indexOf(BEGIN) + BEGIN.length, readme.indexOf(END)).trim()).toBe(supportTable());
  });

  it.runIf(update)('is rewritten', { timeout: 120_000 }, async () => {
    const lines = `${readme.slice(0, readme.indexOf(BEGIN))}${BEGIN}\n${supportTable()}\n${readme.slice(readme.indexOf(END))}`.split('\n');
    const shift = lines.length - readme.split('\n').length;
    const at = readme.slice(0, readme.indexOf(BEGIN)).split('\n').length;
    for (const b of [...found].reverse()) lines.splice(b.from + (b.from > at ? shift : 0), b.to - b.from, ...updated(b.output, await run(b.command)));
    writeFileSync(path, lines.join('\n'));
  });
});
