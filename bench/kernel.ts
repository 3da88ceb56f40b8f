/** The kernel's half, as a child that answers one line a question (bench/kernel.py). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const SCRIPTS = resolve('../shared/performance/kernel');

export class Kernel {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  private constructor(readonly dir: string) {
    this.#child = spawn('python3', ['bench/kernel.py', dir]);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** A text instead where it cannot be had: why. */
  static async start(): Promise<Kernel | string> {
    if (process.getuid?.() !== 0) return 'not root';
    if (!existsSync(join(SCRIPTS, 'lab.py'))) return `${SCRIPTS} is not there`;
    const dir = mkdtempSync(join(tmpdir(), 'sim-bench-kernel-'));
    cpSync(SCRIPTS, dir, { recursive: true });
    const k = new Kernel(dir);
    let said = '';
    k.#child.stderr.on('data', (d) => {
      said = String(d).slice(-300);
    });
    const first = await k.#lines.next();
    return first.done ? `network namespaces cannot be built: ${said}` : k;
  }

  /** Throws with the script's own words where the measurement failed. */
  async ask<T = number>(...words: (string | number)[]): Promise<T> {
    this.#child.stdin.write(`${words.join(' ')}\n`);
    const line = await this.#lines.next();
    const answer = line.done ? { error: 'the script has ended' } : JSON.parse(line.value);
    if (answer?.error !== undefined) throw new Error(`${words.join(' ')}: ${answer.error}`);
    return answer;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await new Promise((done) => this.#child.on('exit', done));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
