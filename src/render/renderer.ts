/** What every format is: a pure function of a run. */
import type { ScenarioRun } from '../stack/run-scenario.js';
import type { Narrowing } from './narrow.js';

export interface RenderOptions {
  readonly verbose: boolean;
  readonly narrow: Narrowing;
  /** ANSI colours; the caller knows whether there is a terminal. */
  readonly colour: boolean;
}

export interface Renderer {
  readonly name: string;
  readonly summary: string;
  /** Bytes are for a file, text for the terminal. */
  readonly render: (run: ScenarioRun, o: RenderOptions) => string | Uint8Array;
  /** Said (on stderr) when it printed nothing. */
  readonly whenEmpty?: string;
}
