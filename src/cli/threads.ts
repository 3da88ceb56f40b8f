/** Worker threads, by piscina. Loaded where there is work for more than one. */
import { extname } from 'node:path';
import { Piscina } from 'piscina';

type Options = ConstructorParameters<typeof Piscina>[0];

/** How this file was loaded: as part of the bundle (.cjs), compiled (.js) or as source (.ts, by a loader that threads take over with the options of this process). */
const kind = extname(new URL(import.meta.url).pathname);

/** Asks a thread. Rejects where its function throws or it dies, and then `work` has to end, too: what else was asked may never be answered. */
export type Ask<Question, Answer> = (question: Question, transfer?: readonly ArrayBuffer[]) => Promise<Answer>;

/**
 * Does `work` with `n` threads, all started at once and ended with it; each answers one question at a time by the function `name` of src/cli/MODULE. In the bundle
 * it is bin/sim.cjs that threads load, and that knows by the command line what to export.
 */
export async function withThreads<Question, Answer, T>(
  n: number,
  [module, name]: readonly [string, string],
  options: Options,
  work: (ask: Ask<Question, Answer>) => Promise<T>,
): Promise<T> {
  const { href } = new URL(kind === '.cjs' ? '../../bin/sim.cjs' : `./${module}${kind}`, import.meta.url);
  const pool = new Piscina({ filename: href, name, argv: process.argv.slice(2), minThreads: n, maxThreads: n, recordTiming: false, ...options });
  // One that was not at work, or that dies while the others are being ended.
  const died = new Promise<never>((_, reject) => pool.on('error', reject));
  try {
    return await Promise.race([died, work((question, transfer = []) => pool.run(question, { transferList: [...transfer] }))]);
  } finally {
    await pool.destroy();
  }
}
