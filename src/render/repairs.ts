/** Changes that could save a packet, as data: what `--format json` and the library tell of the lines `try:` and `not enough:` of a story. */
import type { PacketRun } from '../stack/run-scenario.js';
import { failed } from './fates.js';
import { commandsOf, type Tried } from './mend.js';
import { mendsOf } from './verdict.js';

export interface Repair {
  /** Commands that belong together, each `NODE: COMMAND`, as --do and Net.do() take them. */
  readonly do: readonly string[];
  /** The packet does not fail any more; null: it was not tried, since the run is too large to be made again and again. */
  readonly saves: boolean | null;
  /** What becomes of the packet then, in the words of a headline; null: not tried. */
  readonly fate: string | null;
  /** Packets that came through before and fail with it. */
  readonly harms: readonly string[];
  /** The packet in that run; null: not tried. */
  readonly packet: PacketRun | null;
}

/** Those that save the packet first; none for one that did not fail. `tried`: as RenderOptions has it. */
export function repairsOf(p: PacketRun, tried?: (p: PacketRun) => readonly Tried[] | null): readonly Repair[] {
  if (!failed(p)) return [];
  const told = tried?.(p) ?? null;
  if (told) return told.map(({ changes, ...rest }) => ({ do: commandsOf(changes), ...rest }));
  return mendsOf(p).map((c) => ({ do: commandsOf([c]), saves: null, fate: null, harms: [], packet: null }));
}
