/** `apply:`: what a generator wrote, put on its node with the tools' own semantics before anything else runs. */
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import type { FileSource } from '../../src/scenario/model.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { ask } from '../../src/tools/ask.js';
import { execute } from '../../src/tools/execute.js';

const BASE = `version: 1
name: t
nodes:
  a:
    address: 10.0.0.1/24
    iptables: |
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :MINE - [0:0]
      :OTHER - [0:0]
      -A INPUT -j MINE
      -A MINE -s 1.1.1.1/32 -j ACCEPT
      -A OTHER -j DROP
      COMMIT
  b: { address: 10.0.0.2/24 }
wires: [[a:eth0, b:eth0]]
packets:
  - { name: p, from: b, ping: { to: 10.0.0.1 } }
`;

function applied(apply: string) {
  const text = `${BASE}apply:\n${apply}`;
  const files: FileSource = { read: (p) => (p === 't.yaml' ? text : null), list: () => null };
  const { value, diagnostics } = loadScenario('t.yaml', files);
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  if (!value) throw new Error('does not load');
  const run = runScenario(value, { execute, apply: applyAll });
  return { run, save: ask(run.network.node('a')!, ['iptables', '-S']).stdout.split('\n'), errors: run.diagnostics.filter((d) => d.severity === 'error') };
}

describe('apply', () => {
  it('--noflush keeps other chains and empties those that it declares', () => {
    const r = applied('  - { node: a, iptables_restore: "*filter\\n:MINE - [0:0]\\n-A MINE -s 2.2.2.2 -j DROP\\nCOMMIT\\n", noflush: true }\n');
    expect(r.errors).toEqual([]);
    expect(r.save.filter((l) => /^-A/.test(l))).toEqual(['-A INPUT -j MINE', '-A MINE -s 2.2.2.2/32 -j DROP', '-A OTHER -j DROP']);
    expect(r.run.packets[0].outcome.answered).toBe(true);
  });
  it('without it the whole table is new', () => {
    const r = applied('  - node: a\n    iptables_restore: |\n      *filter\n      :INPUT DROP [0:0]\n      COMMIT\n');
    expect(r.save).toEqual(['-P INPUT DROP', '-P FORWARD ACCEPT', '-P OUTPUT ACCEPT', '']);
    expect(r.run.packets[0].outcome.answered).toBe(false);
  });
  it('a failure leaves the table as it was, is told with its line, and nothing runs on it', () => {
    const r = applied('  - node: a\n    iptables_restore: |\n      *filter\n      :INPUT DROP [0:0]\n      -A INPUT -j NOWHERE\n      COMMIT\n');
    expect(r.errors).toHaveLength(1);
    expect(r.errors[0].span).toMatchObject({ file: 't.yaml' });
    expect(r.errors[0].hint).toContain('-A INPUT -j NOWHERE');
    expect(r.save).toContain('-A MINE -s 1.1.1.1/32 -j ACCEPT');
    expect(r.run.packets).toEqual([]);
  });
  it('sets and lists of commands, in the order written', () => {
    const r = applied(
      '  - { node: a, ipset_restore: "create S hash:ip\\nadd S 10.0.0.2\\n" }\n  - { node: a, commands: ["iptables -I INPUT -m set --match-set S src -j DROP"] }\n',
    );
    expect(r.errors).toEqual([]);
    expect(r.save).toContain('-A INPUT -m set --match-set S src -j DROP');
    expect(r.run.packets[0].outcome.request.drop?.reason).toBe('NETFILTER_DROP');
  });
  it('a command that fails ends the list', () => {
    const r = applied('  - { node: a, commands: ["iptables -N X", "iptables -A Y -j DROP", "iptables -N Z"] }\n');
    expect(r.errors.map((d) => d.message)).toEqual(['iptables: No chain/target/match by that name.']);
    expect(r.save).toContain('-N X');
    expect(r.save).not.toContain('-N Z');
  });
});
