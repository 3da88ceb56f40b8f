/** Our side of socket-agent.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { kill } from './shell.js';
import type { AgentRequest } from './socket-agent.js';

export class SocketAgent {
  readonly #child: ChildProcess;
  readonly #waiting: ((v: unknown) => void)[] = [];
  readonly ready: Promise<unknown>;

  constructor(netns: string) {
    const self = fileURLToPath(import.meta.url);
    const script = fileURLToPath(new URL(`./socket-agent${extname(self)}`, import.meta.url));
    // Run from source, the loader that runs us runs it too.
    const loader = extname(self) === '.ts' ? ['--import', import.meta.resolve('tsx')] : [];
    this.#child = spawn('ip', ['netns', 'exec', netns, process.execPath, '--no-deprecation', ...loader, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child.stdin?.on('error', () => {});
    this.ready = new Promise((resolve) => this.#waiting.push(resolve));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (l) => this.#waiting.shift()?.(JSON.parse(l)));
    this.#child.on('exit', () => {
      for (const w of this.#waiting.splice(0)) w({ error: 'the socket process has ended' });
    });
  }

  /** Lives in the namespace: /proc/PID/net is the namespace's. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask<T>(r: AgentRequest): Promise<T> {
    return new Promise((resolve) => {
      this.#waiting.push((v) => resolve(v as T));
      this.#child.stdin?.write(`${JSON.stringify(r)}\n`);
    });
  }

  close(): void {
    kill(this.#child);
  }
}
