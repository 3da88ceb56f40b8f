/**
 * `trace`, `lines`: the TRACE lines of the packet itself (not of what carries it), against a golden text.
 *
 * A golden line is `TABLE:CHAIN:KIND:NUMBER` (of nftables `inet TABLE CHAIN:KIND:NUMBER`); whatever stands around it in a kernel log (`kernel: TRACE: … IN=tunl0 …`) is read over, so that a pasted log will do.
 * Without node: all nodes, each line after `NODE: ` when the scenario has more than one.
 */
import type { Direction } from '../../stack/outcome.js';
import { tracePlace } from '../../trace/place.js';
import { eventsOf, type Flow } from './flow.js';
import { type Check, type Evaluator, looked, pairsOf, unknownNode } from './types.js';

export interface TraceLine {
  readonly flow: Flow;
  readonly at: number;
  readonly node: string;
  readonly text: string;
}

/** Of one node, or of all (null). */
function traceLines(flows: readonly Flow[], node: string | null, direction: Direction): TraceLine[] {
  return flows.flatMap((flow) =>
    [...eventsOf(flow, 'trace', direction, true), ...eventsOf(flow, 'nft-trace', direction, true)]
      .sort((a, b) => a.at - b.at)
      .filter((x) => node === null || x.event.node === node)
      .map((x) => ({ flow, at: x.at, node: x.event.node, text: tracePlace(x.event) })),
  );
}

/** The text that a golden file should have. */
export function goldenText(flows: readonly Flow[], node: string | null, direction: Direction): string {
  const named = node === null && (flows[0]?.run.nodes.size ?? 0) > 1;
  return traceLines(flows, node, direction)
    .map((l) => `${named ? `${l.node}: ` : ''}${l.text}\n`)
    .join('');
}

function goldenLines(text: string): string[] {
  const out: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const log = /TRACE: (\S+)/.exec(line);
    out.push(log ? log[1] : line.trim());
  }
  return out;
}

function compare(flows: readonly Flow[], node: string | null, direction: Direction, golden: string): Check {
  const have = traceLines(flows, node, direction);
  const shown = goldenText(flows, node, direction).split('\n').slice(0, -1);
  const want = goldenLines(golden);
  const at = want.findIndex((w, i) => w !== shown[i]);
  const place = node === null ? '' : ` on ${node}`;
  if (at < 0 && shown.length === want.length) return looked(true, `${want.length} trace lines${place}`, `${shown.length} trace lines`, -1);
  const i = at < 0 ? want.length : at;
  const first = have[i] ?? have.at(-1);
  const surprise = looked(
    false,
    `trace line ${i + 1}${place}: ${want[i] ?? '(no more)'}`,
    shown[i] ?? `(no more: ${shown.length} lines, ${want.length} expected)`,
    first?.at ?? flows[0]?.run.outcome.request.at ?? -1,
  );
  return first ? { ...surprise, flow: first.flow } : surprise;
}

export const trace: Evaluator = {
  key: 'trace',
  check(flows, value, direction) {
    if (typeof value === 'string') return compare(flows, null, direction, value);
    const unknown = flows[0]
      ? unknownNode(
          flows[0],
          pairsOf(value).map(([node]) => node),
        )
      : null;
    if (unknown) return unknown;
    for (const [node, golden] of pairsOf(value)) {
      const c = compare(flows, node, direction, String(golden));
      if (!('ok' in c) || !c.ok) return c;
    }
    return looked(true, 'traces as listed', 'traces as listed', -1);
  },
};

export const lines: Evaluator = {
  key: 'lines',
  check(flows, value, direction) {
    for (const [node, wanted] of pairsOf(value)) {
      const have = traceLines(flows, node, direction);
      if (have.length !== wanted) return looked(false, `${wanted} trace lines on ${node}`, `${have.length}`, have.at(-1)?.at ?? -1);
    }
    return looked(true, 'as many trace lines as listed', 'as many', -1);
  },
};
