/** A scenario from recorded snapshots: its wires, what is doubtful, and the trace that the kernel of the captured namespaces gave. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { newScenario } from '../../src/scenario/new-scenario.js';
import { nodeFromSnapshot, nodeNameOf } from '../../src/scenario/snapshot.js';
import { type CapturedNode, inferWires } from '../../src/scenario/wires.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';
import { memoryFiles } from '../diagnostics.readers.js';
import { importSnapshots, modelTraces, nodeNames, targets } from '../lab/capture-nodes.js';

const recorded = (file: string): string => readFileSync(join(import.meta.dirname, '../lab/snapshots', file), 'utf8');
const snapshots = new Map(nodeNames.map((n) => [n, recorded(`${n}.snapshot`)]));

describe('recorded snapshots', () => {
  it('give the trace that their kernel gave', () => {
    const model = modelTraces(importSnapshots(snapshots, targets));
    const text = targets.map((t) => `# ping ${t}\n${(model.get(t) ?? []).map((l) => `${l}\n`).join('')}`).join('');
    expect(text).toBe(recorded('router.trace'));
  });

  it('become a scenario that runs', () => {
    const nodes = [...snapshots].map(([name, text]) => ({ node: nodeFromSnapshot(name, text, name).value!, host: 'one', path: `s/${name}.snapshot` }));
    const text = newScenario('three', nodes, inferWires(nodes));
    expect(text).toContain('wires:\n  # veth pair\n  - [router:lan0, host:eth0]\n  # veth pair\n  - [router:wan0, server:eth0]\n');
    expect(text).toContain('  - { name: host-to-server, from: host, ping: 93.184.216.34 }\n');
    const files = Object.fromEntries([...snapshots].map(([n, t]) => [`s/${n}.snapshot`, t]));
    const { value, diagnostics } = loadScenario('three.yaml', memoryFiles({ ...files, 'three.yaml': text }));
    expect(diagnostics).toEqual([]);
    const { packets } = runScenario(value!, { execute });
    expect(packets.map((p) => [p.packet.name, p.outcome.request.kind])).toEqual([
      ['router-to-host', 'delivered'],
      ['router-to-server', 'delivered'],
      ['host-to-router', 'delivered'],
      ['host-to-server', 'delivered'],
      ['server-to-router', 'delivered'],
      ['server-to-host', 'dropped'],
    ]);
    // The commented examples are ones.
    const more = text.replace(/^ {2}# (?=- \{)/gm, '  ').replace(/^# (?=what_if:)|^#(?= {3}loose)/gm, '');
    const all = loadScenario('three.yaml', memoryFiles({ ...files, 'three.yaml': more }));
    expect([all.diagnostics, all.value?.packets.length, all.value?.whatIf.length]).toEqual([[], 8, 1]);
  });
});

// --- nodes in short ---

function captured(yaml: string, hosts: Readonly<Record<string, string>> = {}): CapturedNode[] {
  const { value, diagnostics } = loadScenario('s.yaml', memoryFiles({ 's.yaml': `version: 1\nnodes:\n${yaml}` }));
  if (value === null) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  return value.nodes.map((node) => ({ node, host: hosts[node.name] ?? node.name }));
}
const show = (yaml: string, hosts?: Readonly<Record<string, string>>): string[] => {
  const { wires, notes } = inferWires(captured(yaml, hosts));
  const lines = wires.map(
    (w) => `${w.taken ? '' : '# '}${w.ends.map((e) => `${e.node}:${e.dev}`).join(' ')} (${w.why})${w.doubt === null ? '' : ` ? ${w.doubt}`}`,
  );
  return [...lines, ...notes.map((n) => `note ${n}`)];
};
const veth = (name: string, ifindex: number, peer: number): string =>
  `${ifindex}: ${name}@if${peer}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\n    link/ether 02:00:00:00:00:0${ifindex} brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0\\n    veth\\n`;

describe('wires', () => {
  it.each([
    ['two nodes of one network', '  a: { address: 10.0.0.1/24 }\n  b: { address: 10.0.0.2/24 }\n', ['a:eth0 b:eth0 (10.0.0.0/24)']],
    [
      'three are a segment, over IPv6 as well',
      '  a: { address: [10.0.0.1/24, "2001:db8::1/64"] }\n  b: { address: 10.0.0.2/24 }\n  c: { address: "2001:db8::3/64" }\n',
      ['a:eth0 b:eth0 c:eth0 (10.0.0.0/24, 2001:db8::/64)'],
    ],
    ['nothing in common', '  a: { address: 10.0.0.1/24 }\n  b: { address: 10.0.1.2/24 }\n  c: { address: 10.0.0.9/32 }\n', []],
    [
      'one address twice is no wire',
      '  a: { address: 10.0.0.1/24 }\n  b: { address: 10.0.0.1/24 }\n',
      ['# a:eth0 b:eth0 (10.0.0.0/24) ? a and b both have 10.0.0.1: these are two networks, or one of them is wrong'],
    ],
    [
      'two devices of one node there',
      '  a: { addresses: { eth0: 10.0.0.1/24, eth1: 10.0.0.2/24 } }\n  b: { address: 10.0.0.3/24 }\n',
      ['a:eth0 a:eth1 b:eth0 (10.0.0.0/24) ? a has several devices there (eth0, eth1): are all of them on this network?'],
    ],
    [
      'a neighbour table that knows better',
      '  a: { address: 10.0.0.1/24, neigh: "10.0.0.2 dev eth0 lladdr 02:00:00:00:99:99 REACHABLE" }\n  b: { address: 10.0.0.2/24 }\n',
      ['a:eth0 b:eth0 (10.0.0.0/24) ? a knows 10.0.0.2 as 02:00:00:00:99:99, but b:eth0 is 02:00:00:00:02:02'],
    ],
    [
      'a bridge is wired by its hardware port',
      '  a: { links: { br0: { kind: bridge, ports: [eth0] } }, addresses: { br0: 10.0.0.1/24 } }\n  b: { address: 10.0.0.2/24 }\n',
      ['a:eth0 b:eth0 (10.0.0.0/24)'],
    ],
    [
      'one with two such ports is not',
      '  a: { links: { br0: { kind: bridge, ports: [eth0, eth1] } }, addresses: { br0: 10.0.0.1/24 } }\n  b: { address: 10.0.0.2/24 }\n',
      ['note a:br0 has several ports (eth0, eth1): which of them leads to which network is not known'],
    ],
    [
      'bridges without one are networks of their own (docker0)',
      '  a: { links: { docker0: { kind: bridge } }, addresses: { docker0: 172.17.0.1/16 } }\n  b: { links: { docker0: { kind: bridge } }, addresses: { docker0: 172.17.0.1/16 } }\n',
      [],
    ],
    [
      'overlays are no wires',
      '  a: { links: { vx: { kind: vxlan, id: 1 } }, addresses: { vx: 10.9.0.1/24 } }\n  b: { links: { vx: { kind: vxlan, id: 1 } }, addresses: { vx: 10.9.0.2/24 } }\n',
      [],
    ],
    [
      'kinds that are no ends are named',
      '  a: { links: { eth0.5: { kind: vlan } }, addresses: { eth0.5: 10.5.0.1/24 } }\n  b: { links: { eth0.5: { kind: vlan } }, addresses: { eth0.5: 10.5.0.2/24 } }\n',
      ['note 10.5.0.0/24 is shared by a:eth0.5 (vlan), b:eth0.5 (vlan): such devices are no ends of wires'],
    ],
  ])('%s', (_name, yaml, expected) => {
    expect(show(yaml)).toEqual(expected);
  });

  it('veth pairs between namespaces of one host, by their indexes', () => {
    const yaml = `  host: { links: "${veth('cali1', 7, 3)}${veth('cali2', 8, 3)}" }\n  pod1: { links: "${veth('eth0', 3, 7)}" }\n  pod2: { links: "${veth('eth0', 3, 8)}" }\n`;
    expect(show(yaml, { host: 'n', pod1: 'n', pod2: 'n' })).toEqual(['host:cali1 pod1:eth0 (veth pair)', 'host:cali2 pod2:eth0 (veth pair)']);
    expect(show(yaml, { host: 'n', pod1: 'n', pod2: 'other' })).toEqual(['host:cali1 pod1:eth0 (veth pair)']);
  });
  it('indexes that fit twice are doubted', () => {
    const yaml = `  host: { links: "${veth('a', 7, 3)}" }\n  pod1: { links: "${veth('eth0', 3, 7)}" }\n  pod2: { links: "${veth('eth0', 3, 7)}" }\n`;
    expect(show(yaml, { host: 'n', pod1: 'n', pod2: 'n' })).toEqual([
      '# host:a pod1:eth0 (veth pair) ? other devices have the same indexes',
      '# host:a pod2:eth0 (veth pair) ? other devices have the same indexes',
    ]);
  });
});

describe('names', () => {
  it.each([
    ['/a/b/node1.snapshot', 'node1'],
    ['node1.snapshot.txt', 'node1'],
    ['../../etc/passwd', 'passwd'],
    ['/a/..', 'node'],
    ['a b: {c}.snapshot', 'a-b-c'],
    ['/dumps/n/', 'n'],
    ['__proto__.snapshot', '__proto__'],
  ])('%s is the node %s', (path, name) => {
    expect(nodeNameOf(path)).toBe(name);
  });

  it('of nodes and devices are text in the file, whatever they are', () => {
    for (const name of ['true', 'null', '1.5', '0x1', '__proto__', 'a.b-c', '12']) {
      const [c] = captured('  a: { links: { "e]#, \'x": {} }, addresses: { "e]#, \'x": 10.0.0.1/24 } }\n');
      const node = { ...c.node, name };
      const other = captured('  zz: { address: 10.0.0.2/24 }\n')[0];
      const nodes = [
        { ...c, node, path: 'a.snapshot' },
        { ...other, path: 'b.snapshot' },
      ];
      const proposed = inferWires(nodes);
      const text = newScenario(name, nodes, { ...proposed, notes: ['x\n  evil: 1', '\u2028evil: 1\u0085'] });
      const { value, diagnostics } = loadScenario(
        's.yaml',
        memoryFiles({ 's.yaml': text, 'a.snapshot': 'netfilter-sim snapshot 1\n== end\n', 'b.snapshot': 'netfilter-sim snapshot 1\n== end\n' }),
      );
      expect(diagnostics.filter((d) => d.severity === 'error').map((d) => d.code)).toEqual(expect.arrayContaining(['unknown-device']));
      expect(diagnostics.some((d) => d.code === 'yaml-syntax' || d.code === 'unknown-key')).toBe(false);
      expect(value).toBeNull();
      expect(text).toContain('"');
    }
  });
});
