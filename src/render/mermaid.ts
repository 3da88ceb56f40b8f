/** `--format mermaid`: the boxes of the picture that the packets walked, a subgraph a node, in the order they were first entered; the dead end is marked. */
import type { PacketRun, ScenarioRun } from '../stack/run-scenario.js';
import type { Event } from '../trace/event.js';
import { shownEvents } from './narrow.js';
import type { RenderOptions } from './renderer.js';

/** Mermaid's own escape for what its grammar would read as syntax. */
const label = (s: string): string => `"${s.replace(/[^\w .,:()/-]/g, (c) => `#${c.charCodeAt(0)};`)}"`;

class Graph {
  /** Boxes by node, ids by `node\0box`. */
  readonly #nodes = new Map<string, string[]>();
  readonly #ids = new Map<string, string>();
  readonly #edges = new Map<string, string>();
  readonly #ends = new Map<string, { id: string; kind: 'dead' | 'done' }>();

  box(node: string, box: string): string {
    const key = `${node}\0${box}`;
    const known = this.#ids.get(key);
    if (known) return known;
    const id = `b${this.#ids.size + 1}`;
    this.#ids.set(key, id);
    const list = this.#nodes.get(node) ?? [];
    if (list.length === 0) this.#nodes.set(node, list);
    list.push(`${id}[${label(box)}]`);
    return id;
  }
  edge(from: string, to: string, reply: boolean, text: string): void {
    if (from === to) return;
    const arrow = reply ? '-.->' : '-->';
    this.#edges.set(`${from}${arrow}${to}`, `${from} ${arrow}${text === '' ? '' : `|${label(text)}|`} ${to}`);
  }
  end(from: string, node: string, text: string, kind: 'dead' | 'done', reply: boolean): void {
    const id = `e${this.#ends.size + 1}`;
    this.#ends.set(id, { id, kind });
    const list = this.#nodes.get(node);
    list?.push(kind === 'dead' ? `${id}{{${label(text)}}}` : `${id}([${label(text)}])`);
    this.edge(from, id, reply, '');
  }
  toString(): string {
    const lines = ['flowchart TD'];
    let n = 0;
    for (const [node, boxes] of this.#nodes) lines.push(`  subgraph n${++n}[${label(node)}]`, ...boxes.map((b) => `    ${b}`), '  end');
    lines.push(...[...this.#edges.values()].map((e) => `  ${e}`));
    lines.push('  classDef dead fill:#fdd,stroke:#c00,stroke-width:3px', '  classDef done fill:#dfd,stroke:#080');
    for (const { id, kind } of this.#ends.values()) lines.push(`  class ${id} ${kind}`);
    return `${lines.join('\n')}\n`;
  }
}

function walk(g: Graph, p: PacketRun, events: readonly Event[]): void {
  /** The box each packet is in, and the device by which it went from there. */
  const at = new Map<number, { id: string; dev: string }>();
  const isReply = (skb: number): boolean => p.outcome.skbs.get(skb)?.direction === 'reply';
  for (const e of events) {
    switch (e.t) {
      case 'skb': {
        const from = e.origin.of === null ? undefined : at.get(e.origin.of);
        if (from) at.set(e.skb, { ...from });
        break;
      }
      case 'box': {
        const id = g.box(e.node, e.box);
        const from = at.get(e.skb);
        if (from) g.edge(from.id, id, isReply(e.skb), from.dev);
        at.set(e.skb, { id, dev: '' });
        break;
      }
      case 'emit': {
        const from = at.get(e.skb);
        if (from) from.dev = e.dev;
        break;
      }
      case 'drop':
      case 'inconclusive':
      case 'deliver': {
        const from = at.get(e.skb);
        const text = e.t === 'drop' ? `${e.reason} (${e.cause})` : e.t === 'deliver' ? `delivered to ${e.socket}` : `inconclusive: ${e.what}`;
        if (from) g.end(from.id, e.node, text, e.t === 'deliver' ? 'done' : 'dead', isReply(e.skb));
        break;
      }
    }
  }
}

export function renderMermaid(run: ScenarioRun, o: Pick<RenderOptions, 'narrow'>): string {
  const g = new Graph();
  for (const p of run.packets) walk(g, p, shownEvents(p, o.narrow));
  return g.toString();
}
