import * as fc from 'fast-check';
import { loadScenario, ping } from 'netfilter-sim';
import { addressIn } from 'netfilter-sim/fast-check';
import 'netfilter-sim/vitest';
import { expect, it } from 'vitest';

/** The generator: what it would hand to `ipset restore` and to `iptables-restore --noflush` on the edge node. */
const sets = (peers: string[]) => ['create PEERS hash:net', ...peers.map((p) => `add PEERS ${p}`), ''].join('\n');
const rules = (verdict: string) => `*nat
:MINE - [0:0]
-I POSTROUTING -j MINE
-A MINE -s 192.168.0.0/24 -m set --match-set PEERS dst -j ${verdict}
COMMIT
`;

const cluster = loadScenario('scenarios/fabedge-edge-to-node.yaml');
const generated = (verdict: string, peers = ['10.234.0.0/16', '10.22.46.0/24']) =>
  cluster.apply({ node: 'edge1', ipset_restore: sets(peers) }, { node: 'edge1', iptables_restore: rules(verdict), noflush: true });

it('no edge pod is ever masqueraded towards a peer', () => {
  const net = generated('ACCEPT');
  fc.assert(
    fc.property(addressIn('10.234.0.0/16'), (peer) => void expect(net.send(ping('net-tool-edge1', peer))).not.toBeMasqueraded()),
    { numRuns: 50 },
  );
});

it('RETURN would not do: the calling chain masquerades next', () => {
  expect(generated('RETURN').send(ping('net-tool-edge1', '10.234.102.161'))).toBeDroppedAt('node1', 'IP_RPFILTER');
});
