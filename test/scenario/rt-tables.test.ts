/** Names of route tables, as a node's /etc/iproute2/rt_tables has them, are known to its dumps and to the commands typed on it. */
import { expect, it } from 'vitest';
import { packet, parseScenario } from '../../src/index.js';

const named = `version: 1
nodes:
  gw:
    addresses: { eth0: 10.0.0.1/24, eth1: 10.1.0.1/24 }
    rt_tables: |
      255 local
      100 vpn
    rules: |
      0:	from all lookup local
      100:	from 10.9.0.0/24 lookup vpn
      32766:	from all lookup main
    routes: |
      10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1
      default via 10.1.0.9 dev eth1 table vpn
`;

it('are read in rules, routes and commands', () => {
  const net = parseScenario(named);
  const gw = net.node('gw');
  expect(gw.rules?.find((r) => r.priority === 100)?.action).toEqual({ kind: 'lookup', table: 100 });
  expect(gw.routes?.filter((r) => r.table === 100)).toHaveLength(1);
  const arriving = packet('icmp 10.0.0.5 > 10.8.0.1', { at: 'gw:eth0' });
  expect(() => net.do('gw: ip route add 10.8.0.0/16 dev eth0 table vpn', 'gw: ip rule add fwmark 1 lookup vpn').send(arriving)).not.toThrow();
  expect(() => net.do('gw: ip rule add fwmark 1 lookup vpm').send(arriving)).toThrow(/vpm/);
});

it('without them the name is an error that says what to state', () => {
  expect(() => parseScenario(named.replace(/ {4}rt_tables[\s\S]*?vpn\n/, ''))).toThrow(/vpn/);
});
