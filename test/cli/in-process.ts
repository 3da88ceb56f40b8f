/** A command of sim in this very process, as a shell sees it; starting a node for each would take most of a minute. */
import { Command, CommanderError } from 'commander';
import { vi } from 'vitest';

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `args` begin with the command's name. What it writes is caught. */
export async function inProcess(commands: readonly { register(program: Command): void }[], args: readonly string[]): Promise<Result> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((to) =>
    vi.spyOn(process[to], 'write').mockImplementation((text) => {
      written[to] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    const program = new Command('sim').exitOverride();
    for (const c of commands) c.register(program);
    for (const c of program.commands) c.exitOverride();
    await program.parseAsync(['node', 'sim', ...args]);
  } catch (e) {
    if (!(e instanceof CommanderError)) throw e;
    process.exitCode = e.exitCode === 0 ? 0 : 2;
  } finally {
    for (const s of spies) s.mockRestore();
  }
  const status = Number(process.exitCode ?? 0);
  process.exitCode = before;
  return { status, ...written };
}
