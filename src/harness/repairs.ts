/**
 * Which change would have saved a packet: each that its verdict offers is made in front, the scenario runs again, and what becomes of the packet then is told. Where
 * no single change does, those that the next verdict offers are made as well, the fewest first.
 */
import { hasErrors } from '../base/diagnostic.js';
import { dropContext } from '../render/drop-context.js';
import { failed, failureOf, headline } from '../render/fates.js';
import { type Change, commandsOf, type Tried } from '../render/mend.js';
import { socketsUnknown } from '../render/notes.js';
import { packetTitle } from '../render/summary.js';
import { mendsOf } from '../render/verdict.js';
import { type PacketRun, type RunOptions, runScenario, type ScenarioRun } from '../stack/run-scenario.js';
import { parseDo } from '../tools/execute.js';

/** Changes made together. */
const MAX_DEPTH = 3;
/** Runs of the scenario; a large one is run as often as this many events allow. */
const MAX_RUNS = 12;
const MAX_EVENTS = 200_000;

/** A packet that fails still, and with which changes it does. */
interface Attempt {
  readonly changes: readonly Change[];
  readonly packet: PacketRun;
}

/** Events of the runs that were made, where several packets of a run are asked about: together they may cost as much as one. */
interface Spent {
  events: number;
}

/** The changes that save `p`, a failed packet of `run`, and those of the first kind that do not; null: the run is too large to be tried again and again. */
export function triedRepairs(run: ScenarioRun, p: PacketRun, o: RunOptions, spent: Spent = { events: 0 }): readonly Tried[] | null {
  const trials = new Trials(run, run.packets.indexOf(p), o, spent);
  if (trials.left === 0) return null;
  let open: readonly Attempt[] = [{ changes: [], packet: p }];
  for (let depth = 1; depth <= MAX_DEPTH && trials.saved === 0; depth++) open = open.flatMap((a) => trials.next(a));
  return trials.told;
}

/** It comes to its port now, on a node whose sockets nobody told; null: it does not, or did before. */
function arrivesUnheard(before: PacketRun, after: PacketRun): string | null {
  const unheard = (p: PacketRun): boolean => {
    const lost = failureOf(p);
    return lost?.direction === 'request' && lost.fate.drop !== null && socketsUnknown(dropContext(p, lost.fate.at));
  };
  return unheard(after) && !unheard(before) ? `comes to its port on ${after.outcome.request.node}, whose dump names no sockets` : null;
}

class Trials {
  left: number;
  saved = 0;
  readonly #told: Tried[] = [];
  readonly #seen = new Set<string>();

  constructor(
    readonly base: ScenarioRun,
    readonly nth: number,
    readonly o: RunOptions,
    readonly spent: Spent,
  ) {
    this.left = Math.min(MAX_RUNS, Math.floor((MAX_EVENTS - spent.events) / Math.max(1, base.events.length)));
  }

  /** Those that save it first. */
  get told(): readonly Tried[] {
    const rank = (t: Tried): number => (t.saves ? (t.harms.length === 0 ? 0 : 1) : 2);
    return [...this.#told].sort((a, b) => rank(a) - rank(b));
  }

  /** Makes each change that the packet's verdict offers; what fails with it still. */
  next({ changes, packet }: Attempt): Attempt[] {
    const out: Attempt[] = [];
    for (const c of mendsOf(packet)) {
      const all = [...changes, c];
      const after = this.#run(all);
      if (after === null) continue;
      const q = after.packets[this.nth];
      const arrives = arrivesUnheard(packet, q);
      const saves = !failed(q) || arrives !== null;
      if (saves) this.saved++;
      if (saves || changes.length === 0) this.#told.push({ changes: all, saves, fate: arrives ?? headline(q)[2], harms: this.#harms(after), packet: q });
      if (!saves) out.push({ changes: all, packet: q });
    }
    return out;
  }

  /** Null: it was run before, there have been runs enough, or a command does not work. */
  #run(changes: readonly Change[]): ScenarioRun | null {
    const commands = commandsOf(changes);
    const key = [...commands].sort().join('\n');
    if (this.#seen.has(key) || this.left === 0) return null;
    this.#seen.add(key);
    this.left--;
    this.spent.events += this.base.events.length;
    const { scenario: s } = this.base;
    const { value, diagnostics } = parseDo(s, commands, null);
    if (hasErrors(diagnostics)) return null;
    const after = runScenario({ ...s, do: [...s.do, ...value] }, this.o);
    return hasErrors(after.diagnostics) ? null : after;
  }

  /** Packets that came through before. */
  #harms(after: ScenarioRun): string[] {
    return after.packets.flatMap((q, i) => (failed(q) && !failed(this.base.packets[i]) ? [packetTitle(q)] : []));
  }
}
