/** `fate`, `reason`, `cause`: what became of the packet, in one word and in the kernel's. */
import type { Direction, Fate } from '../../stack/outcome.js';
import { type Flow, fateOf, isAnswered, refusedAt, unknownAt } from './flow.js';
import { type Check, each, looked } from './types.js';

/** One line for a fate, in the words that `fate:` uses. */
export function fateWords(f: Flow, direction: Direction): string {
  const fate = fateOf(f, direction);
  if (!fate) return 'nobody answered';
  const words = bare(fate);
  if (direction === 'reply') return words;
  const refused = refusedAt(f);
  if (isAnswered(f)) return `answered (${words})`;
  if (refused >= 0) return `rejected by ${f.run.events[refused].node} (${words})`;
  const reply = f.run.outcome.reply;
  return reply && reply.kind !== 'delivered' ? `${words}, its answer ${bare(reply)}` : words;
}

function bare(fate: Fate): string {
  switch (fate.kind) {
    case 'dropped':
      return `dropped on ${fate.node}: ${fate.drop?.reason} in ${fate.drop?.location} (${fate.drop?.cause})`;
    case 'delivered':
    case 'handled':
      return `delivered on ${fate.node}`;
    case 'left':
      return `left ${fate.node} by ${fate.dev}`;
    case 'held':
      return `held on ${fate.node}, waiting for a neighbour`;
    case 'inconclusive':
      return `inconclusive on ${fate.node}: ${fate.inconclusive?.what}`;
    case 'none':
      return 'never sent';
  }
}

const arrived = (fate: Fate | null): boolean => fate?.kind === 'delivered' || fate?.kind === 'handled';

function holds(f: Flow, wanted: string, direction: Direction): boolean {
  const fate = fateOf(f, direction);
  switch (wanted) {
    case 'answered':
      return isAnswered(f);
    case 'unanswered':
      return !isAnswered(f);
    case 'rejected':
      return !isAnswered(f) && refusedAt(f) >= 0;
    case 'delivered':
      return arrived(fate);
    case 'forwarded':
      return fate?.kind === 'left';
    default:
      return fate?.kind === wanted;
  }
}

/** The event that explains a fate: for a packet that arrived and was not answered, the end of the answer. */
function decidingAt(f: Flow, direction: Direction): number {
  const { request, reply } = f.run.outcome;
  if (direction === 'reply') return reply?.at ?? -1;
  return arrived(request) && reply && !isAnswered(f) ? reply.at : request.at;
}

export const fate = each('fate', (f, value, direction): Check => {
  const wanted = String(value);
  if (direction === 'reply' && (wanted === 'answered' || wanted === 'unanswered'))
    return { code: 'expect-reply-fate', message: `an answer is not itself ${wanted}`, hint: 'delivered, dropped, held, forwarded or inconclusive' };
  const unknown = unknownAt(f);
  const ok = wanted === 'inconclusive' ? unknown >= 0 : unknown < 0 && holds(f, wanted, direction);
  return looked(ok, wanted, fateWords(f, direction), unknown >= 0 ? unknown : decidingAt(f, direction));
});

export const reason = each('reason', (f, value, direction) => {
  const drop = fateOf(f, direction)?.drop;
  return looked(drop?.reason === value, `dropped with reason ${value}`, fateWords(f, direction), decidingAt(f, direction));
});

export const cause = each('cause', (f, value, direction) => {
  const drop = fateOf(f, direction)?.drop;
  return looked(drop?.cause === value, `dropped because of ${value}`, fateWords(f, direction), decidingAt(f, direction));
});

/** How a TCP conversation ended for its client (stack/outcome.ts Connection). */
export const connection = each('connection', (f, value, direction): Check => {
  const actual = f.run.outcome.connection;
  if (actual === null || direction === 'reply')
    return { code: 'expect-connection', message: 'only a tcp: packet makes a connection', hint: 'connection: stands beside fate:, not under reply:' };
  return looked(actual === value, `connection ${value}`, `connection ${actual} (${fateWords(f, direction)})`, decidingAt(f, direction));
});
