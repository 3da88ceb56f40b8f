/** Commands of runs that are made again and again from the same scenario (a sweep): what one changes is a function of the state it finds, and worked out once. */
import type { Parsed } from '../base/diagnostic.js';
import type { NodeState } from '../scenario/model.js';
import type { Apply, Execute } from '../stack/run-scenario.js';
import { applyAll } from './apply.js';
import { type Change, execute, workedOut } from './execute.js';

/** Keeps every state that these commands lead to: for a few commands, as long as the caller lives. */
export function remembering(): { readonly execute: Execute; readonly apply: Apply } {
  const known = new WeakMap<NodeState, Map<string, Parsed<NodeState> | null>>();
  const change: Change = (tool, n, c) => {
    let ofNode = known.get(n);
    if (!ofNode) known.set(n, (ofNode = new Map()));
    const key = JSON.stringify([c.name, c.words, c.text, c.file, c.stdin]);
    let found = ofNode.get(key);
    if (found === undefined) ofNode.set(key, (found = workedOut(tool, n, c)));
    return found;
  };
  return { execute: (net, c) => execute(net, c, change), apply: (net, s) => applyAll(net, s, change) };
}
