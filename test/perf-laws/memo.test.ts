/** Plans are memoised on identity: what an edit does not touch is not compiled again. */
import { describe, expect, it } from 'vitest';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import { compileTable } from '../../src/netfilter/xtables/compile.js';
import type { XtRuleset } from '../../src/netfilter/xtables/model.js';
import type { NodeState } from '../../src/scenario/model.js';
import { emptyNode } from '../../src/scenario/node.js';
import { Network } from '../../src/stack/network.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { execute } from '../../src/tools/execute.js';
import { NO_RECORDER } from '../../src/trace/event.js';

const RULES = [
  '*filter',
  ':INPUT ACCEPT [0:0]',
  ':FORWARD ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':U - [0:0]',
  '-A FORWARD -j U',
  '-A U -p tcp -j ACCEPT',
  '-A INPUT -p icmp -j ACCEPT',
  'COMMIT',
  '',
].join('\n');

function after(command: string): { before: NodeState; now: NodeState } {
  const before: NodeState = { ...emptyNode('n'), iptables: readIptablesSave(RULES, { file: 'r', family: 'ipv4' }).value };
  const net = new Network({ nodes: [before], wires: [], clock: 0, seed: 1 }, { recorder: NO_RECORDER, makeSockets: scenarioSockets });
  expect(execute(net, { node: 'n', command, span: null }).filter((d) => d.severity === 'error')).toEqual([]);
  return { before, now: net.nodes[0].given };
}

/** The compiled rules of every chain of filter, by name. */
const compiled = (n: NodeState): Map<string, unknown> =>
  new Map(
    compileTable((n.iptables as XtRuleset).tables[0], 'ipv4')
      .chains.filter((c) => c.length > 0)
      .map((c) => [c.name, c.first]),
  );

const changed = (command: string): string[] => {
  const { before, now } = after(command);
  const old = compiled(before);
  return [...compiled(now)].filter(([name, rules]) => old.get(name) !== rules).map(([name]) => name);
};

describe('an edit compiles', () => {
  it('no chain where a sysctl is toggled', () => {
    expect(changed('sysctl -w net.ipv4.ip_forward=1')).toEqual([]);
  });
  it('one chain where a rule is added, replaced or taken away', () => {
    expect(changed('iptables -I U -p udp -j DROP')).toEqual(['U']);
    expect(changed('iptables -R INPUT 1 -p udp -j DROP')).toEqual(['INPUT']);
    expect(changed('iptables -A FORWARD -j DROP')).toEqual(['FORWARD']);
  });
});
