/** The packet-flow picture, drawn from the table that drives the run: a mermaid flowchart (GitHub and most editors show it). */
import { type Box, packetFlow } from '../stack/packet-flow.js';

/** One subgraph a layer, one node a box with its hook, one edge an outcome; outcomes that end the packet's way are not drawn. */
export function drawPacketFlow(flow: Readonly<Record<string, Box>> = packetFlow): string {
  const boxes = Object.entries(flow);
  const layers = [...new Set(boxes.map(([, b]) => b.layer))];
  return [
    'flowchart LR',
    ...layers.flatMap((layer) => [
      `  subgraph ${layer}`,
      ...boxes.filter(([, b]) => b.layer === layer).map(([name, b]) => `    ${nodeText(name, b)}`),
      '  end',
    ]),
    ...boxes.flatMap(([name, b]) => Object.entries(b.next).flatMap(([outcome, to]) => (to === null ? [] : [`  ${name} ${edge(outcome, to)} ${to}`]))),
    '',
  ].join('\n');
}

const nodeText = (name: string, b: Box): string => (b.hook ? `${name}[["${name}<br>${b.hook}"]]` : `${name}["${name}"]`);
const edge = (outcome: string, to: string): string => (outcome === to ? '-->' : `-->|${outcome}|`);
