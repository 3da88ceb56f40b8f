/** What every command that drives the kernel at hand has around it: what is missing is said, and nothing is left behind whatever happens. */
import { setPriority } from 'node:os';
import { closeAll as closeBenches } from '../lab/bench.js';
import { closeDropEvents } from '../lab/drops.js';
import { restoreSwitches } from '../lab/global-switch.js';
import { missing } from '../lab/requirements.js';
import { closeScenarios } from '../lab/scenario-bench.js';
import { removeLockfile } from '../lab/shell.js';
import { EXIT } from './files.js';

const LAB_PRIORITY = -10;

function closeEverything(): void {
  closeBenches();
  closeScenarios();
  closeDropEvents();
  restoreSwitches();
  removeLockfile();
}

/**
 * Says what is missing and exits 3, or runs; whatever happens, no namespace, process, tracefs instance or changed setting is left behind. `hurry`: nodes of the lab
 * retransmit after a second, and whoever carries their frames must not wait for the processor that long; children inherit it.
 */
export async function inLab(work: () => Promise<number>, o: { readonly tools?: readonly string[]; readonly hurry?: boolean } = {}): Promise<number> {
  const lacks = missing(o.tools);
  if (lacks.length > 0) {
    for (const l of lacks) process.stderr.write(`sim lab: ${l}\n`);
    return EXIT.environment;
  }
  process.once('exit', closeEverything);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => {
      closeEverything();
      process.exit(code);
    });
  }
  if (o.hurry) atHigherPriority();
  try {
    return await work();
  } finally {
    closeEverything();
  }
}

function atHigherPriority(): void {
  try {
    setPriority(LAB_PRIORITY);
  } catch {
    // Not allowed: on a busy machine more runs have to be repeated.
  }
}
