/** Which hook steps a node's rules ask for. Seen on Linux 6.18: a MASQUERADE rule of iptables leaves IPv6 packets untracked (nf_ct_netns_get() of the rule's own family). */
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';

const MASQUERADE = '*nat\n      -A POSTROUTING -o wan -j MASQUERADE\n      COMMIT';
const scenario = (rules: string): string => `
version: 1
nodes:
  gw:
    addresses: { wan: [203.0.113.1/24, 'fd01::1/64'] }
    ${rules}
  srv: { address: [203.0.113.7/24, 'fd01::7/64'] }
wires:
  - [gw:wan, srv:eth0]
packets:
  - { name: four, from: gw, ping: 203.0.113.7 }
  - { name: six, from: gw, ping: 'fd01::7' }
`;

function tracked(rules: string): string[] {
  const { value } = loadScenario('s.yaml', { read: (p) => (p === 's.yaml' ? scenario(rules) : null), list: () => null });
  const run = runScenario(value!, { execute, keepConntrack: true });
  return run.packets
    .at(-1)!
    .conntrack.get('gw')!
    .map((e) => e.orig.family);
}

describe('connection tracking is asked for by family', () => {
  it.each([
    ['iptables', ['ipv4']],
    ['ip6tables', ['ipv6']],
  ])('MASQUERADE in %s', (key, families) => expect(tracked(`${key}: |\n      ${MASQUERADE}`)).toEqual(families));
  it('in both', () => expect(tracked(`iptables: |\n      ${MASQUERADE}\n    ip6tables: |\n      ${MASQUERADE}`)).toEqual(['ipv4', 'ipv6']));
  it('in none', () => expect(tracked('sysctl: {}')).toEqual([]));
});
