/** One long-lived `sh` in a network namespace: commands go in on its standard input, each answered with its output and status. Far cheaper than a process a command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

export interface Answer {
  readonly out: string;
  readonly status: number;
}

const LOCKFILE = `/run/nfsim-${process.pid}.lock`;

/** The tools' lock is one file for all namespaces of the machine: a lab has one of its own, so that it waits for nobody and nobody for it. */
const shellEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, XTABLES_LOCKFILE: LOCKFILE, LC_ALL: 'C' });

const END = '\u0001nfsim-end';

export class Shell {
  readonly #child: ChildProcess;
  #buffer = '';
  #waiting: ((a: Answer) => void)[] = [];
  #gone = false;

  /** `netns`: name of the namespace; null = the one that this process is in. */
  constructor(readonly netns: string | null) {
    const [file, args] = netns === null ? ['sh', []] : ['ip', ['netns', 'exec', netns, 'sh']];
    this.#child = spawn(file as string, args as string[], { stdio: ['pipe', 'pipe', 'ignore'], detached: true, env: shellEnvironment() });
    this.#child.stdout?.setEncoding('utf8');
    this.#child.stdout?.on('data', (d: string) => this.#take(d));
    this.#child.stdin?.on('error', () => {});
    this.#child.on('exit', () => this.#end());
    this.#child.on('error', () => this.#end());
  }

  /** The shell itself: /proc/PID/net is the namespace's. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Standard output and error together, and the status of the last command. */
  run(script: string): Promise<Answer> {
    if (this.#gone) return Promise.resolve({ out: `the shell in ${this.netns ?? 'this namespace'} has ended\n`, status: 127 });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin?.write(`{ :; ${script}\n} 2>&1 </dev/null; printf '${END} %d\\n' $?\n`);
    });
  }

  #take(d: string): void {
    this.#buffer += d;
    for (;;) {
      const at = this.#buffer.indexOf(END);
      const nl = at < 0 ? -1 : this.#buffer.indexOf('\n', at);
      if (nl < 0) return;
      const answer = { out: this.#buffer.slice(0, at), status: Number(this.#buffer.slice(at + END.length, nl)) };
      this.#buffer = this.#buffer.slice(nl + 1);
      this.#waiting.shift()?.(answer);
    }
  }

  #end(): void {
    this.#gone = true;
    for (const w of this.#waiting.splice(0)) w({ out: this.#buffer, status: 127 });
  }

  close(): void {
    this.#gone = true;
    this.#child.stdin?.end();
    kill(this.#child);
  }
}

/** Ends a child that we started, with what it started. */
export function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** A word for sh. */
export const quoted = (s: string): string => `'${s.replaceAll("'", `'\\''`)}'`;

/** A here-document that sh takes as it is. */
export function hereDoc(command: string, text: string): string {
  return `${command} <<'NFSIM_EOF'\n${text.endsWith('\n') || text === '' ? text : `${text}\n`}NFSIM_EOF`;
}

/** For exit and signals. */
export const removeLockfile = (): void => rmSync(LOCKFILE, { force: true });
