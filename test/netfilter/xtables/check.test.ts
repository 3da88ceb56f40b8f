/** The kernel's checks of a table find the same in rules that stand together as in rules one by one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readIptablesSave } from '../../../src/formats/iptables-save.js';
import { checkTable } from '../../../src/netfilter/xtables/check.js';
import type { XtTable } from '../../../src/netfilter/xtables/model.js';
import { ruleList } from '../../../src/netfilter/xtables/rule-list.js';

const HEAD = [
  '*nat',
  ':PREROUTING ACCEPT [0:0]',
  ':INPUT ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':POSTROUTING ACCEPT [0:0]',
  ':A - [0:0]',
  ':B - [0:0]',
  ':C - [0:0]',
];

function tableOf(lines: readonly string[]): XtTable {
  const { value, diagnostics } = readIptablesSave([...HEAD, ...lines, 'COMMIT', ''].join('\n'), { file: 'rules', family: 'ipv4', kernelChecks: false });
  expect(diagnostics).toEqual([]);
  return value.tables[0];
}
const oneByOne = (t: XtTable): XtTable => ({ ...t, chains: t.chains.map((c) => ({ ...c, rules: ruleList(c.rules.all()) })) });
const findings = (t: XtTable) => checkTable(t, 'ipv4', undefined).map((f) => [f.code, f.message, f.hint, f.chain, f.num]);

const chain = fc.constantFrom('PREROUTING', 'OUTPUT', 'POSTROUTING', 'A', 'B', 'C');
const rule = fc.constantFrom(
  ...['-j A', '-j B', '-g C', '-s 10.0.0.1/32 -j A', '-j ACCEPT', '-s 10.0.0.1/32 -j ACCEPT', '-p tcp -j DNAT --to-destination 1.2.3.4:5'],
  ...['-p tcp -m tcp --dport 80', '-p tcp -j MASQUERADE', '-j REDIRECT', '-j SNAT --to-source 1.2.3.4', '-j MARK --set-mark 1', '-j TPROXY --on-port 1 -p tcp'],
);
const lines = fc.array(
  fc.tuple(chain, rule).map(([c, r]) => `-A ${c} ${r}`),
  { maxLength: 14 },
);

test('in random tables', () => {
  const codes = new Set<unknown>();
  fc.assert(
    fc.property(lines, (text) => {
      const table = tableOf(text);
      const found = findings(table);
      for (const [code] of found.length === 0 ? [['none']] : found) codes.add(code);
      expect({ text, found }).toEqual({ text, found: findings(oneByOne(table)) });
    }),
    { numRuns: 400, seed: 7 },
  );
  expect([...codes].sort()).toEqual(['iptables-kernel', 'iptables-loop', 'none']);
});

test('a rule is asked with the hooks that reach it, also where the same rule was right with others', () => {
  const dnat = '-p tcp -j DNAT --to-destination 1.2.3.4:5';
  const text = ['-A PREROUTING -j A', '-A POSTROUTING -j B', `-A A ${dnat}`, `-A B ${dnat}`, `-A C ${dnat}`, `-A A ${dnat}`, `-A B ${dnat}`];
  expect(findings(tableOf(text)).map(([code, , , name, num]) => [code, name, num])).toEqual([
    ['iptables-kernel', 'B', 1],
    ['iptables-kernel', 'B', 2],
  ]);
});

test('behind a verdict without condition no hook reaches a rule, and no jump is followed', () => {
  expect(findings(tableOf(['-A PREROUTING -j ACCEPT', '-A PREROUTING -j SNAT --to-source 1.2.3.4', '-A PREROUTING -j A', '-A A -j A']))).toEqual([]);
  expect(findings(tableOf(['-A PREROUTING -s 10.0.0.1/32 -j ACCEPT', '-A PREROUTING -j A', '-A A -j B', '-A B -j A'])).map((f) => f.slice(2))).toEqual([
    ['the loop: A -> B -> A', 'B', 1],
  ]);
});
