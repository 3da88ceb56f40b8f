/** `delivered_to`, `out`, `visits`: the way it took. */
import { fateWords } from './fate.js';
import { eventsOf, fateOf } from './flow.js';
import { type Check, each, listOf, looked, unknownNode } from './types.js';

/** NODE, or NODE:SOCKET with the socket's id. */
export const deliveredTo = each('delivered_to', (f, value, direction): Check => {
  const wanted = String(value);
  const unknown = unknownNode(f, [wanted.split(':')[0]]);
  if (unknown) return unknown;
  const fate = fateOf(f, direction);
  const event = fate && fate.at >= 0 ? f.run.events[fate.at] : null;
  const socket = event?.t === 'deliver' ? `${event.node}:${event.socket}` : null;
  const arrived = fate?.kind === 'delivered' || fate?.kind === 'handled';
  const ok = arrived && (fate.node === wanted || socket === wanted);
  return looked(ok, `delivered to ${wanted}`, arrived && socket ? `delivered to ${socket}` : fateWords(f, direction), fate?.at ?? -1);
});

/** NODE:DEVICE of the last frame it left in, its own or one that carried it. */
export const out = each('out', (f, value, direction) => {
  const last = eventsOf(f, 'emit', direction, false).at(-1);
  const actual = last ? `${last.event.node}:${last.event.dev}` : null;
  const lost = fateOf(f, direction)?.drop;
  const words = lost ? fateWords(f, direction) : actual ? `left by ${actual}` : 'left no node';
  return looked(!lost && actual === value, `left by ${value}`, words, last?.at ?? fateOf(f, direction)?.at ?? -1);
});

/** Nodes in order; others may lie between. */
export const visits = each('visits', (f, value, direction): Check => {
  const wanted = listOf(value);
  const unknown = unknownNode(f, wanted);
  if (unknown) return unknown;
  const seen: string[] = [];
  const where: number[] = [];
  f.run.events.forEach((e, at) => {
    if (f.direction[at] === direction && seen.at(-1) !== e.node) {
      seen.push(e.node);
      where.push(at);
    }
  });
  let next = 0;
  for (const node of seen) if (node === wanted[next]) next++;
  return looked(
    next === wanted.length,
    `through ${wanted.join(', ')}`,
    `through ${seen.join(', ') || 'no node'}`,
    fateOf(f, direction)?.at ?? where.at(-1) ?? -1,
  );
});
