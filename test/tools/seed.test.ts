/** The report's cluster: each what-if, and the questions that its author asked the nodes. */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tcpdumpAnswer } from '../../src/cli/tcpdump.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { FileSource, Scenario } from '../../src/scenario/model.js';
import { runScenario, type ScenarioRun } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { ask } from '../../src/tools/ask.js';
import { execute, parseDo } from '../../src/tools/execute.js';
import { type WhatIfTable, whatIfTable, whatIfText } from '../../src/tools/what-if.js';

const orNull = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};
const files: FileSource = { read: (p) => orNull(() => readFileSync(p, 'utf8')), list: (d) => orNull(() => readdirSync(d)) };
const path = new URL('../../scenarios/fabedge-edge-to-node.yaml', import.meta.url).pathname;
const load = (p: string): Scenario => {
  const { value } = loadScenario(p, files);
  if (!value) throw new Error(`${p} does not load`);
  return value;
};
const scenario = load(path);

describe('what if', () => {
  let table: WhatIfTable;
  beforeAll(() => {
    table = whatIfTable(scenario, scenario.whatIf);
  });
  const LOST = 'dropped node1 IP_RPFILTER (rp-filter)';
  const ANSWER_LOST = 'dropped edge1 XFRM_POLICY (xfrm-policy)';
  const POD = 'delivered net-tool-node1';
  const BACK = 'delivered net-tool-edge1';
  const rows: readonly (readonly [string, request: string, reply: string | null, parting: string | null])[] = [
    ['rp_filter-off', POD, ANSWER_LOST, 'node1 mangle:FORWARD:policy:1'],
    ['rp_filter-off-tunl0-only', LOST, null, null],
    ['rp_filter-loose', POD, ANSWER_LOST, 'node1 mangle:FORWARD:policy:1'],
    ['correct-sets', POD, BACK, 'edge1 nat:FABEDGE-NAT-OUTGOING:rule:1'],
    ['correct-set-on-edge1', POD, BACK, 'edge1 nat:FABEDGE-NAT-OUTGOING:rule:1'],
    ['correct-sets-on-master', POD, BACK, 'master filter:FABEDGE-FORWARD:rule:3'],
    ['route-back-through-tunl0', POD, BACK, 'node1 mangle:FORWARD:policy:1'],
    ['rp_filter-off-without-ipsec-policies', POD, BACK, 'node1 mangle:FORWARD:policy:1'],
    ['master-forward-drop', 'dropped master NETFILTER_DROP (policy-drop)', null, null],
  ];
  it('every variant of the scenario is here', () => {
    expect(table.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(table.variants.map((v) => v.name)).toEqual(rows.map((r) => r[0]));
  });
  it.each(rows)('%s', (name, request, reply, parting) => {
    const row = table.variants.find((v) => v.name === name)?.packets[1];
    expect({ request: row?.request, reply: row?.reply, parting: row?.parting?.variant ?? null }).toEqual({ request, reply, parting });
  });
  it('prints a line per variant and packet', () => {
    const lines = whatIfText(table).split('\n');
    expect(lines).toHaveLength(1 + 2 * (1 + rows.length) + 1);
    expect(lines[0]).toMatch(/^variant +packet +request +reply +where its trace parts from the base$/);
    expect(lines[6]).toMatch(/^ +edge1-to-node1 +dropped node1 IP_RPFILTER \(rp-filter\) +- +the same walk$/);
  });
  it('takes ad hoc variants, and leaves out one that fails', () => {
    const commands = parseDo(scenario, ['node1: sysctl -w net.ipv4.conf.all.rp_filter=0', 'node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=0'], null).value;
    const bad = parseDo(scenario, ['node1: ip link set tunl9 up'], null).value;
    const t = whatIfTable(scenario, [
      { name: '--do', description: '', commands },
      { name: 'bad', description: '', commands: bad },
    ]);
    expect(t.variants.map((v) => [v.name, v.packets[1].reply])).toEqual([['--do', ANSWER_LOST]]);
    expect(t.diagnostics.map((d) => d.message)).toEqual(['Cannot find device "tunl9"']);
  });
});

describe('questions', () => {
  let run: ScenarioRun;
  beforeAll(() => {
    run = runScenario(scenario, { execute, apply: applyAll });
  });
  const answer = (node: string, command: string) => ask(run.network.node(node)!, command.split(' '));

  it('ip route get, and how an old kernel words it', () => {
    const question = 'ip route get 10.234.102.161 from 10.22.46.41 iif tunl0';
    expect(answer('node1', question)).toEqual({ stdout: '', stderr: 'RTNETLINK answers: Invalid argument\n', status: 2 });
    const old = runScenario({ ...load(path.replace('.yaml', '/variants/old-kernel.yaml')), packets: [] }, { execute, apply: applyAll });
    expect(ask(old.network.node('node1')!, question.split(' '))).toEqual({ stdout: '', stderr: 'RTNETLINK answers: Invalid cross-device link\n', status: 2 });
  });
  it('ip netconf', () => {
    expect(answer('node1', 'ip netconf show dev tunl0').stdout).toBe(
      'inet tunl0 forwarding on rp_filter strict mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off \n',
    );
  });
  it('counters of the run', () => {
    expect(answer('node1', 'nstat -az TcpExtIPReversePathFilter').stdout).toBe('#kernel\nTcpExtIPReversePathFilter       1                  0.0\n');
    const raw = answer('node1', 'iptables -t raw -nvL PREROUTING --line-numbers').stdout.split('\n');
    // Two outer and two inner requests, one answer. The second TRACE rule came behind that answer, and left the counts of the others alone.
    expect(raw.slice(2, 5).map((l) => l.trim().split(/\s+/).slice(0, 4).join(' '))).toEqual(['1 5 460 cali-PREROUTING', '2 2 168 TRACE', '3 0 0 TRACE']);
    expect(answer('node1', 'iptables-save -c -t raw').stdout).toContain(
      '[2:168] -A PREROUTING -d 10.234.102.161/32 -j TRACE\n[0:0] -A PREROUTING -s 10.234.102.161/32 -j TRACE\n',
    );
  });
  it('conntrack, sets', () => {
    expect(answer('node1', 'conntrack -L -p icmp').stdout).toMatch(/^icmp {5}1 30 src=10\.234\.79\.169 dst=10\.234\.102\.161 type=8 code=0 id=169 /);
    expect(answer('edge1', 'ipset test FABEDGE-PEER-CIDR 10.234.102.161')).toEqual({
      stdout: '',
      stderr: '10.234.102.161 is NOT in set FABEDGE-PEER-CIDR.\n',
      status: 1,
    });
  });
  it('tcpdump', () => {
    const a = tcpdumpAnswer(run, 'node1', ['-ni', 'tunl0', 'icmp', 'and', 'host', '10.22.46.41']);
    expect(a.stdout).toBe('00:00:00.000000 IP 10.22.46.41 > 10.234.102.161: ICMP echo request, id 170, seq 1, length 64\n');
    expect(tcpdumpAnswer(run, 'node1', ['-ni', 'any', 'icmp']).stdout.split('\n')).toHaveLength(6);
    expect(tcpdumpAnswer(run, 'node1', ['-ni', 'nope'])).toMatchObject({ status: 1, stderr: expect.stringContaining('No such device') });
    expect(tcpdumpAnswer(run, 'node1', ['-ni', 'any', 'hots', '1.2.3.4'])).toMatchObject({
      status: 1,
      stderr: "tcpdump: can't parse filter expression: syntax error\n",
    });
  });
  it('what is no command, and what is no question', () => {
    expect(answer('node1', 'iptabels -L')).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean “iptables”?') });
    expect(answer('node1', 'ip link set eth0 down')).toMatchObject({ status: 2, stderr: expect.stringContaining("--do 'node1: ip link set eth0 down'") });
  });
});
