/**
 * /proc/net/netfilter/nfnetlink_queue: a line for each queue that a program listens to (nfqnl seq_show()): its number, the program's port, packets that wait, copy
 * mode and range, packets dropped twice, the id of the last one, 1.
 */
import { type Parsed, Reporter } from '../base/diagnostic.js';
import { linesOf, wordsOf } from './tokens.js';

const QUEUES = 65536;

/** Numbers of the queues that are listened to. Reports `nfqueue-form`. */
export function readNfnetlinkQueue(text: string, options: { readonly file: string }): Parsed<readonly number[]> {
  const reporter = new Reporter(options.file, text);
  const value: number[] = [];
  for (const line of linesOf(text)) {
    const [first, ...rest] = wordsOf(line);
    if (!first) continue;
    const num = /^\d{1,5}$/.test(first.text) ? Number(first.text) : QUEUES;
    if (num < QUEUES && rest.every((w) => /^\d+$/.test(w.text))) value.push(num);
    else
      reporter.error(
        'nfqueue-form',
        'this is no line of /proc/net/netfilter/nfnetlink_queue',
        line.number,
        first.column,
        line.text.length,
        'numbers only, the queue’s (0 to 65535) first',
      );
  }
  return { value, diagnostics: reporter.diagnostics };
}
