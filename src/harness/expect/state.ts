/** `counters`, `conntrack`: what it left behind on the nodes. */
import { nearest } from '../../base/diagnostic.js';
import { formatEntry } from '../../formats/conntrack.js';
import { counterMeaning, counterNames } from '../../trace/counters.js';
import type { Flow } from './flow.js';
import { type Check, type Evaluator, each, listOf, looked, pairsOf, type Senseless, unknownNode } from './types.js';

/** Differences over all runs of the packet, both directions and everything it set off. */
export const counters: Evaluator = {
  key: 'counters',
  check(flows, value): Check {
    for (const [node, wanted] of pairsOf(value)) {
      const unknown = flows[0] ? unknownNode(flows[0], [node]) : null;
      if (unknown) return unknown;
      for (const [name, by] of pairsOf(wanted)) {
        if (counterMeaning(name) === undefined) return noCounter(name);
        const rise = flows.reduce((n, f) => n + (f.run.counters.get(node)?.get(name) ?? 0), 0);
        if (rise !== by) return looked(false, `${node} ${name} +${by}`, `+${rise}${others(flows, node)}`, flows.at(-1)?.run.outcome.request.at ?? -1);
      }
    }
    return looked(true, 'counters as listed', 'counters as listed', -1);
  },
};

/** The engine keeps no counter of that name, so that not even “it does not rise” could be said of it. */
function noCounter(name: string): Senseless {
  const near = nearest(name, counterNames());
  return { code: 'unknown-counter', message: `no counter “${name}” is kept here`, hint: near ? `did you mean “${near}”?` : 'sim explain lists those that are' };
}

function others(flows: readonly Flow[], node: string): string {
  const rose = flows.at(-1)?.run.counters.get(node);
  return rose && rose.size > 0 ? ` (${node}: ${[...rose].map(([k, v]) => `${k} +${v}`).join(', ')})` : ` (nothing rose on ${node})`;
}

/** Are all words of `wanted` in the line, in that order? `conntrack -L` prints a tuple for either direction, so order tells them apart. */
function entryFits(line: string, wanted: string): boolean {
  const words = line.split(/\s+/);
  let at = 0;
  for (const w of wanted.trim().split(/\s+/)) {
    at = words.indexOf(w, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** Words of an entry as `conntrack -L` prints it, in order; others may stand between. As text: on any node. */
export const conntrack = each('conntrack', (f, value): Check => {
  const lines = (node: string): string[] => (f.run.conntrack.get(node) ?? []).map((e) => formatEntry(e));
  if (typeof value === 'string') {
    const ok = [...f.run.conntrack.keys()].some((n) => lines(n).some((l) => entryFits(l, value)));
    return looked(ok, `an entry ${value}`, shown([...f.run.conntrack.keys()].flatMap((n) => lines(n).map((l) => `${n}: ${l}`))), f.run.outcome.request.at);
  }
  const unknown = unknownNode(
    f,
    pairsOf(value).map(([node]) => node),
  );
  if (unknown) return unknown;
  for (const [node, wanted] of pairsOf(value))
    for (const w of listOf(wanted))
      if (!lines(node).some((l) => entryFits(l, w))) return looked(false, `on ${node} an entry ${w}`, shown(lines(node)), f.run.outcome.request.at);
  return looked(true, 'entries as listed', 'entries as listed', -1);
});

const MAX_SHOWN = 8;
const shown = (lines: readonly string[]): string =>
  lines.length === 0
    ? 'no entry at all'
    : `entries: ${lines.slice(0, MAX_SHOWN).join(' | ')}${lines.length > MAX_SHOWN ? ` and ${lines.length - MAX_SHOWN} more` : ''}`;
