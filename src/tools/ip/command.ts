/** What all `ip` objects share: global options, and words that are matched by their beginning (iproute2 lib/utils.c matches()). */
import type { Family } from '../../base/addr.js';
import type { NodeState } from '../../scenario/model.js';
import type { NodeRun } from '../../stack/node-run.js';
import { Refusal } from '../refusal.js';
import type { Answer, ToolContext } from '../tool.js';

export interface IpCommand {
  /** -4, -6; null: not given. */
  readonly family: Family | null;
  readonly json: boolean;
  readonly details: boolean;
  readonly brief: boolean;
  readonly oneline: boolean;
  /** Behind the object. */
  readonly words: readonly string[];
  readonly context: ToolContext;
}

/** One object of `ip`: `ip route`, `ip link`, … */
export interface IpObject {
  /** Full names, in the order in which `ip` compares them. */
  readonly names: readonly string[];
  /** The node after the command; null: a question. Throws Refusal. */
  readonly change?: (n: NodeState, c: IpCommand) => NodeState | null;
  /** null: a change. Throws Refusal. */
  readonly answer?: (n: NodeRun, c: IpCommand) => Answer | null;
  /** Beyond configuration: what a change does to a running node. */
  readonly act?: (n: NodeRun, before: NodeState, c: IpCommand) => void;
}

/** The first of `names` that begins with `word`; undefined if none does. */
export const byBeginning = (word: string, names: readonly string[]): string | undefined => (word === '' ? undefined : names.find((n) => n.startsWith(word)));

/** The sub-command, by its beginning; `fallback` where no word stands. */
export function verb(c: IpCommand, object: string, names: readonly string[], fallback = 'show'): string {
  const w = c.words[0];
  if (w === undefined) return fallback;
  const found = byBeginning(w, names);
  if (found === undefined) throw new Refusal(`Command "${w}" is unknown, try "ip ${object} help".`, { word: w, status: 255 });
  return found;
}

/** Words behind the sub-command, taken one by one. */
export class Clauses {
  #i = 0;
  constructor(readonly words: readonly string[]) {}
  next(): string | undefined {
    return this.words[this.#i++];
  }
  peek(): string | undefined {
    return this.words[this.#i];
  }
  value(of: string): string {
    const v = this.words[this.#i++];
    if (v === undefined) throw new Refusal('Command line is not complete. Try option "help"', { code: 'ip-incomplete', word: of, status: 255 });
    return v;
  }
}

export const noDevice = (name: string): never => {
  throw new Refusal(`Cannot find device "${name}"`, { code: 'ip-device', word: name, status: 1 });
};
export function wrong(word: string, why: string): never {
  throw new Refusal(`Error: argument "${word}" is wrong: ${why}`, { code: 'ip-argument', word, status: 255 });
}
export function garbage(word: string, object: string): never {
  throw new Refusal(`Error: either "dev" is duplicate, or "${word}" is a garbage.`, { code: 'ip-garbage', word, status: 255, hint: `see ip ${object} help` });
}
