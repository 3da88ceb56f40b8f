/** What the rows of the table share: how they measure, against what, and where their files are. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Kernel } from './kernel.js';

export const ROUNDS = 5;
/** Where the bundles are, and files of this run. */
export const dir = process.argv[2];

/** One line of the table; `ratios` one number a round. A text: why it was not measured. */
export interface Measured {
  readonly what: string;
  readonly ratios: readonly number[] | string;
  readonly unit?: string;
  readonly must: number;
  readonly aim: number;
  /** True: the smaller the better. */
  readonly below?: boolean;
  readonly note?: string;
}
export type Row = (k: Kernel | string) => Promise<Measured[]>;

export const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1];
export const round = (n: number): string => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));

/** ns of CPU time that `work` takes for each of `n`. */
export function cpu(n: number, work: () => void): number {
  const from = process.cpuUsage();
  work();
  const used = process.cpuUsage(from);
  return ((used.user + used.system) * 1000) / n;
}

/** How `versus` goes about it: rounds of ours in which the compilers settle, and measurements of either side in a row, of which the median counts. */
interface Rounds {
  readonly warm?: number;
  readonly row?: number;
}

/** `ours` and `theirs` in turn; theirs over ours. */
export async function versus(
  ours: () => number,
  theirs: () => Promise<number>,
  { warm = 12, row = 1 }: Rounds = {},
): Promise<{ ratios: number[]; note: string }> {
  for (let i = 0; i < warm; i++) ours();
  const a: number[] = [];
  const b: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const [mine, other]: [number[], number[]] = [[], []];
    for (let k = 0; k < row; k++) other.push(await theirs());
    for (let k = 0; k < row; k++) mine.push(ours());
    b.push(median(other));
    a.push(median(mine));
  }
  return { ratios: a.map((x, i) => b[i] / x), note: `ours ${round(median(a) / 1000)} us, kernel ${round(median(b) / 1000)} us` };
}

export const files = join(dir, 'files');
mkdirSync(files, { recursive: true });
const generated = new Map<string, string>();
/** A dump of gen.py in a file. */
export function dump(kind: string, n: number): string {
  const key = `${kind}-${n}`;
  const hit = generated.get(key);
  if (hit) return hit;
  const gen = resolve('../shared/performance/kernel/gen.py');
  const file = join(files, key);
  writeFileSync(file, execFileSync('python3', [gen, kind, String(n)], { maxBuffer: 1 << 30 }));
  generated.set(key, file);
  return file;
}
export const textOf = (file: string): string => readFileSync(file, 'utf8');

/** What starts is measured without further certificates: Node reads them before anything else, an empty program as well, and they would hide what ours takes. */
export const { NODE_EXTRA_CA_CERTS: _, ...plainEnv } = process.env;

export interface Timed {
  readonly cpu: number;
  readonly rss_mb: number;
}
/** CPU seconds and peak RSS of a process of ours, through GNU time. */
export function timed(...args: string[]): Timed {
  const r = spawnSync('/usr/bin/time', ['-f', '%U %S %M', process.execPath, ...args], { encoding: 'utf8', env: plainEnv, stdio: ['ignore', 'ignore', 'pipe'] });
  const [user, sys, kb] = r.stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return { cpu: user + sys, rss_mb: kb / 1024 };
}
