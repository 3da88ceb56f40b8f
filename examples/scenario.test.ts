/** A scenario file in the test runner one already has: what happened, what would have helped, and the file's own `expect:`. */
import { loadScenario, ping } from 'netfilter-sim';
import 'netfilter-sim/vitest';
import { expect, it } from 'vitest';

const net = loadScenario(new URL('../scenarios/fabedge-edge-to-node.yaml', import.meta.url).pathname);
const fromEdge = ping('net-tool-edge1', '10.234.102.161');

it('node1 drops the ping of the edge pod, whose source edge1 has masqueraded', () => {
  const sent = net.send(fromEdge);
  expect(sent).toBeDroppedAt('node1 ip_rcv_finish', 'IP_RPFILTER');
  expect(sent).toBeSourceNatedTo('10.22.46.41');
  expect(sent).toHitRule('edge1 nat:FABEDGE-NAT-OUTGOING:3');
});

it('with the set on edge1 filled it is answered, and never masqueraded', () => {
  const sent = net.do('edge1: ipset add FABEDGE-PEER-CIDR 10.234.0.0/16').send(fromEdge);
  expect(sent).toBeAnswered();
  expect(sent).not.toBeMasqueraded();
});

it('the expectations of the file hold', () => {
  expect(net.check().verdicts.filter((v) => !v.ok)).toEqual([]);
});
