/**
 * An administrator's tool: one grammar reads its changes (`--do`, `do:`, `apply:`), its questions (`sim exec`) and its dumps (formats/).
 * A change is a pure function of the node's state, or touches the run (conntrack -D); a question prints what the real tool prints.
 */
import type { Diagnostic, Parsed } from '../base/diagnostic.js';
import type { NodeState } from '../scenario/model.js';
import type { NodeRun } from '../stack/node-run.js';

/** What a command prints and how it ends, as the real tool would. */
export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

export interface ToolContext {
  /** The program's name as typed. */
  readonly name: string;
  /** The command's words without the program's name. */
  readonly words: readonly string[];
  /** The whole command as typed, for diagnostics. */
  readonly text: string;
  readonly file: string;
  /** Text on standard input (iptables-restore < FILE), null when none was given. */
  readonly stdin: string | null;
}

/** Parts of a node that a run changes by itself: a tool that edits or shows one sees what the packets before it left there. */
export type RunPart = 'sets' | 'neighs' | 'fdb' | 'nft';

export interface Tool {
  /** Program names it answers to: `iptables`, `iptables-legacy`, … */
  readonly names: readonly string[];
  /** Parts to bring up to date before `change`. */
  readonly settles?: readonly RunPart[];
  /** Applies a change; errors leave the state as it was. null: the command is a question. */
  readonly change?: (n: NodeState, c: ToolContext) => Parsed<NodeState> | null;
  /** Changes of the running node that are no configuration (conntrack -D). Runs after `change`. null: the command is a question. */
  readonly act?: (n: NodeRun, c: ToolContext) => readonly Diagnostic[] | null;
  /** Questions. null: this command is a change, not a question. */
  readonly answer?: (n: NodeRun, c: ToolContext) => Answer | null;
}

/** Output and exit status 0. */
export const said = (stdout: string): Answer => ({ stdout, stderr: '', status: 0 });
/** A complaint on stderr, ended by a newline, with its exit status. */
export const complained = (stderr: string, status: number, stdout = ''): Answer => ({
  stdout,
  stderr: stderr.endsWith('\n') || stderr === '' ? stderr : `${stderr}\n`,
  status,
});
