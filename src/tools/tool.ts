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
  /** The node's words without the program's name. */
  readonly words: readonly string[];
  /** The whole command as typed, for diagnostics. */
  readonly text: string;
  readonly file: string;
  /** Text on standard input (iptables-restore < FILE), null when none was given. */
  readonly stdin: string | null;
}

export interface Tool {
  /** Program names it answers to: `iptables`, `iptables-legacy`, … */
  readonly names: readonly string[];
  /** Applies a change; a question returns the state as it is. Errors leave it as it was. */
  readonly change?: (n: NodeState, c: ToolContext) => Parsed<NodeState>;
  /** Changes of the running node that are no configuration (conntrack -D). Runs after `change`. */
  readonly act?: (n: NodeRun, c: ToolContext) => readonly Diagnostic[];
  /** Read-only commands. null: this command is a change, not a question. */
  readonly answer?: (n: NodeRun, c: ToolContext) => Answer | null;
}
