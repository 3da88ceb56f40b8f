/** Commands between packets: what the run did before them stays, and the far end of a cable notices. */
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { ask } from '../../src/tools/ask.js';
import { execute } from '../../src/tools/execute.js';

function run(packets: string): { run: ScenarioRun; ask: (node: string, c: string) => string } {
  const text = `version: 1
name: t
nodes:
  a:
    address: 10.0.0.1/24
    ipset: |
      create SEEN hash:ip family inet hashsize 1024 maxelem 65536
    iptables: |
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      -A INPUT -p icmp -j SET --add-set SEEN src
      -A INPUT -s 10.0.0.2/32 -j ACCEPT
      COMMIT
  b: { address: 10.0.0.2/24 }
wires: [[a:eth0, b:eth0]]
packets:
${packets}`;
  const { value, diagnostics } = loadScenario('t.yaml', { read: (p) => (p === 't.yaml' ? text : null), list: () => null });
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  if (!value) throw new Error('does not load');
  const r = runScenario(value, { execute, apply: applyAll });
  expect(r.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return {
    run: r,
    ask: (node, c) => {
      const a = ask(r.network.node(node)!, c.split(' '));
      return a.stdout + a.stderr;
    },
  };
}

const PING = 'from: b, ping: { to: 10.0.0.1 }';

describe('between packets', () => {
  it('members that a rule added survive a change of the set', () => {
    const r = run(`  - { name: one, ${PING} }\n  - { name: two, do: ["a: ipset add SEEN 9.9.9.9"], ${PING} }\n`);
    expect(r.ask('a', 'ipset -s save SEEN').split('\n').slice(1)).toEqual(['add SEEN 9.9.9.9', 'add SEEN 10.0.0.2', '']);
  });
  it('counters survive an edit of their chain, and -Z ends them', () => {
    const r = run(`  - { name: one, ${PING} }\n  - { name: two, do: ["a: iptables -I INPUT -p udp -j DROP", "a: iptables -A FORWARD -j DROP"], ${PING} }\n`);
    expect(r.ask('a', 'iptables -S INPUT -v')).toBe(
      '-P INPUT ACCEPT -c 0 0\n-A INPUT -p udp -c 0 0 -j DROP\n-A INPUT -p icmp -c 2 168 -j SET --add-set SEEN src\n-A INPUT -s 10.0.0.2/32 -c 2 168 -j ACCEPT\n',
    );
    const z = run(`  - { name: one, ${PING} }\n  - { name: two, do: ["a: iptables -Z"], ${PING} }\n`);
    expect(z.ask('a', 'iptables -S OUTPUT -v')).toBe('-P OUTPUT ACCEPT -c 1 84\n');
    expect(z.ask('a', 'iptables -S INPUT -v')).toContain('-s 10.0.0.2/32 -c 1 84 -j ACCEPT');
  });
  it('a device set down takes the carrier of the other end', () => {
    const r = run(
      `  - { name: one, ${PING} }\n  - { name: two, do: ["a: ip link set eth0 down"], ${PING} }\n  - { name: three, do: ["a: ip link set eth0 up"], ${PING} }\n`,
    );
    expect(r.run.packets.map((p) => p.outcome.answered)).toEqual([true, false, true]);
    const down = run(`  - { name: one, do: ["a: ip link set eth0 down"], ${PING} }\n`);
    expect(down.ask('b', 'ip -br link show eth0')).toMatch(/^eth0 +LOWERLAYERDOWN .*<NO-CARRIER,BROADCAST,MULTICAST,UP> \n$/);
    expect(down.ask('b', 'ip route')).toContain('linkdown');
  });
  it('what was learnt of neighbours shows, and can be deleted', () => {
    const r = run(`  - { name: one, ${PING} }\n`);
    expect(r.ask('b', 'ip neigh')).toMatch(/^10\.0\.0\.1 dev eth0 lladdr \S+ REACHABLE \n$/);
    const gone = run(`  - { name: one, ${PING} }\n  - { name: two, do: ["b: ip neigh del 10.0.0.1 dev eth0", "a: ip link set eth0 down"], ${PING} }\n`);
    expect(gone.ask('b', 'ip neigh')).not.toContain('REACHABLE');
  });
});

describe('nodes that name the same file of rules', () => {
  const rules =
    '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p icmp --icmp-type 8 -m quota --quota 100 -j ACCEPT\nCOMMIT\n';
  const text = `version: 1
nodes:
  a: { address: 10.0.0.1/24, iptables: { file: rules } }
  b: { address: 10.0.0.2/24, iptables: { file: rules } }
wires: [[a:eth0, b:eth0]]
packets:
  - { from: b, ping: 10.0.0.1 }
  - { from: b, ping: 10.0.0.1 }
  - { from: a, ping: 10.0.0.2 }
`;
  const { value } = loadScenario('t.yaml', { read: (p) => (p === 't.yaml' ? text : p === 'rules' ? rules : null), list: () => null });
  if (!value) throw new Error('does not load');

  it('have one ruleset, and counters, quotas and later changes of their own', () => {
    const [a, b] = value.nodes;
    expect(a.iptables?.tables).toHaveLength(1);
    expect(a.iptables).toBe(b.iptables);
    const command = { node: 'b', command: 'iptables -A INPUT -j DROP', span: null };
    const net = runScenario({ ...value, do: [command] }, { execute, apply: applyAll }).network;
    const saved = (name: string): string[] => {
      const n = net.node(name);
      return n
        ? ask(n, ['iptables-save', '-c'])
            .stdout.split('\n')
            .filter((l) => l.startsWith('['))
        : [];
    };
    // The quota of 100 bytes is used up by the first of two pings of 84 bytes on a, and by the only one on b.
    expect(saved('a')).toEqual(['[1:84] -A INPUT -p icmp -m icmp --icmp-type 8 -m quota --quota 100 -j ACCEPT']);
    expect(saved('b')[0]).toBe('[1:84] -A INPUT -p icmp -m icmp --icmp-type 8 -m quota --quota 100 -j ACCEPT');
    expect(saved('b')).toHaveLength(2);
  });
});
