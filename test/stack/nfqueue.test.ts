/** What becomes of a packet that a rule queues: it hangs on who listens (recorded cases: test/kernel/extensions.jsonl.gz). */
import { expect, it } from 'vitest';
import { EVERYTHING } from '../../src/render/narrow.js';
import { renderNftTrace } from '../../src/render/nft-trace.js';
import { renderXtablesMonitor } from '../../src/render/xtables-monitor.js';
import { loadScenario } from '../../src/scenario/load.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';
import { memoryFiles } from '../diagnostics.readers.js';

function run(target: string, nfqueue: string, backend: 'legacy' | 'nft' = 'legacy'): ScenarioRun {
  const text = `version: 1
nodes:
  a: { address: 10.0.0.1/24 }
  b:
    address: 10.0.0.2/24
    backend: ${backend}
    ${nfqueue === '' ? '' : `nfqueue: ${nfqueue}`}
    iptables: |
      *raw
      -A PREROUTING -p icmp -j TRACE
      COMMIT
      *filter
      -A INPUT -p icmp -j ${target}
      COMMIT
wires: [[a:eth0, b:eth0]]
packets: [{ name: p, from: a, ping: 10.0.0.2 }]
`;
  const { value, diagnostics } = loadScenario('s.yaml', memoryFiles({ 's.yaml': text }));
  if (!value) throw new Error(diagnostics[0].message);
  return runScenario(value, { execute });
}

/** Fate of the request, with what a drop or an unknown names. */
function fate(target: string, nfqueue: string): string {
  const { request: f } = run(target, nfqueue).packets[0].outcome;
  return [f.kind, f.inconclusive?.what ?? '', f.drop?.cause ?? ''].filter((w) => w !== '').join(': ');
}

it.each([
  ['NFQUEUE --queue-num 3', '[]', 'dropped: queue-unheard'],
  ['NFQUEUE --queue-num 3', '[1, 2]', 'dropped: queue-unheard'],
  ['NFQUEUE --queue-num 3', '"    3   4711     0 2 65535     0     0        9  1"', 'inconclusive: queue 3: a program in user space decides'],
  ['NFQUEUE --queue-num 3 --queue-bypass', '[]', 'delivered'],
  ['NFQUEUE --queue-num 3 --queue-bypass', '[3]', 'inconclusive: queue 3: a program in user space decides'],
  ['NFQUEUE', '', 'inconclusive: queue 0: not known of this node: which queues a program listens to (nfnetlink_queue)'],
  ['QUEUE', '[1]', 'dropped: queue-unheard'],
  ['QUEUE', '[0]', 'inconclusive: queue 0: a program in user space decides'],
  ['NFQUEUE --queue-balance 0:9 --queue-cpu-fanout', '[]', 'dropped: queue-unheard'],
])('-j %s, listened to %s: %s', (target, nfqueue, wanted) => expect(fate(target, nfqueue)).toBe(wanted));

/** As xtables-monitor --trace 1.8.9 and nft monitor trace 1.0.6 printed them. */
it.each([
  ['NFQUEUE --queue-num 0', 'QUEUE'],
  ['NFQUEUE --queue-num 3 --queue-bypass', '0x38003'],
  ['NFQUEUE --queue-num 40000', '0x9c400003'],
])('the verdict of -j %s in traces of iptables-nft: %s', (target, word) => {
  const r = run(target, '[]', 'nft');
  expect(renderXtablesMonitor(r, { narrow: EVERYTHING })).toMatch(
    new RegExp(`filter:INPUT:rule:0x[0-9a-f]+:${word}  -4 -t filter -A INPUT -p icmp -j ${target}\n`),
  );
  expect(renderNftTrace(r, { narrow: EVERYTHING })).toMatch(/ip filter INPUT .*\(verdict queue\)\n/);
});
