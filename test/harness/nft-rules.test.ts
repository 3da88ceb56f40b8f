/** Rules of nftables in expectations and in coverage, by the names that nft has for them. */
import { expect, it } from 'vitest';
import { coverage } from '../../src/harness/coverage.js';
import { endingOf, testScenario } from '../../src/harness/suite.js';
import { loadScenario } from '../../src/scenario/load.js';
import { parseRuleName } from '../../src/scenario/rule-ref.js';

const scenario = (expectations: string): string => `version: 1
name: t
nodes:
  a: { address: 10.0.0.1/24 }
  b:
    address: 10.0.0.2/24
    nft: |
      table inet filter {
        chain more { udp dport 1 drop
          accept }
        chain in { type filter hook input priority filter; policy drop;
          ip protocol icmp jump more
          tcp dport 22 accept }
      }
wires: [[a:eth0, b:eth0]]
packets:
  - { name: p, from: a, ping: 10.0.0.2 }
  - { name: t, from: a, tcp: { to: "10.0.0.2:80" } }
expect:
${expectations}`;
const tested = (expectations: string) =>
  testScenario('t.yaml', loadScenario('t.yaml', { read: (p) => (p === 't.yaml' ? scenario(expectations) : null), list: () => null }));

it('names', () => {
  const named = (text: string) => {
    const r = parseRuleName(text);
    return r && [r.node, r.table, r.chain, r.num];
  };
  expect(named('inet filter forward:3')).toEqual([null, 'inet filter', 'forward', 3]);
  expect(named('node1 ip nat post 2')).toEqual(['node1', 'ip nat', 'post', 2]);
  expect(named('ip ip6 t c')).toEqual(['ip', 'ip6 t', 'c', null]);
  expect(named('inet kube service-X/tcp/http')).toEqual([null, 'inet kube', 'service-X/tcp/http', null]);
  expect(named('node1 filter:FORWARD:3')).toEqual(['node1', 'filter', 'FORWARD', 3]);
  expect(named('inet filter')).toBeNull();
});

it.each([
  ['  p: { hits: [inet filter in:1, b inet filter more 2], misses: [inet filter more:1, inet filter in:2] }', 'ok'],
  ['  t: { fate: dropped, where: "b inet filter in:3", misses: inet filter more }', 'ok'],
  ['  p: { hits: inet filter in:2 }', 'failed'],
  ['  t: { where: "b inet filter more" }', 'failed'],
  ['  p: { hits: inet filter in:9 }', 'error'],
  ['  p: { hits: inet filtre in:1 }', 'error'],
])('%s', (expectations, ending) => expect(endingOf(tested(expectations))).toBe(ending));

it('coverage tells the rules that no packet met', () => {
  const { rules, chains, missed } = coverage([tested('  p: { fate: delivered }')]);
  expect([rules, chains]).toEqual([
    { met: 2, all: 4 },
    { met: 2, all: 2 },
  ]);
  expect(missed.map((m) => `${m.place} ${m.text}`)).toEqual(['inet filter more:1 udp dport 1 drop', 'inet filter in:2 tcp dport 22 accept']);
});
