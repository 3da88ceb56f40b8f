/** What every format is: a pure function of a run. */
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import type { Tried } from './mend.js';
import type { Narrowing } from './narrow.js';

export interface RenderOptions {
  readonly verbose: boolean;
  readonly narrow: Narrowing;
  /** ANSI colours; the caller knows whether there is a terminal. */
  readonly colour: boolean;
  /** The scenario as the user named it, for commands to type next; absent: its file. */
  readonly given?: string;
  /** The changes that could save a packet that failed, each made in front of another run (harness/repairs.ts); null or absent: they are named and not tried. */
  readonly tried?: (p: PacketRun) => readonly Tried[] | null;
}

export interface Renderer {
  readonly name: string;
  readonly summary: string;
  /** Bytes are for a file, text for the terminal. */
  readonly render: (run: ScenarioRun, o: RenderOptions) => string | Uint8Array;
  /** Said (on stderr) when it printed nothing. */
  readonly whenEmpty?: string;
}
