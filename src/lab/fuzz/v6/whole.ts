/** A whole random node of IPv6. */
import type { CorpusLink } from '../../../harness/conformance/corpus.js';
import { rulesOf } from '../cluster-rules.js';
import type { Node } from '../devices.js';
import type { ClusterWords } from '../kube-rules.js';
import { nativePart } from '../nft/native.js';
import { makeSockets } from '../node.js';
import type { Rng } from '../rng.js';
import type { Rules, Words } from '../rules.js';
import { address, match, protoMatch } from './matches.js';
import { HOSTS, makeAddresses, makeRoutes, makeSysctls, makeWorld, REMOTE } from './node.js';
import { makeSteps } from './packets.js';
import { makeSets } from './sets.js';
import { target } from './targets.js';

const CLUSTER6: ClusterWords = {
  one: 128,
  pods: 'fd00:10:244::/48',
  loopback: '::1/128',
  icmp: 'ipv6-icmp',
  rejects: ['icmp6-port-unreachable', 'icmp6-port-unreachable', 'icmp6-addr-unreachable'],
  inet: 'inet6',
  sets: 'cali60',
  end: '6',
  remote: REMOTE,
  hosts: HOSTS,
  host: (net, host) => `${net}::${host}`,
  network: (r, net) => `${net}::/${r.pick([64, 64, 120])}`,
  socket: (addr, port) => `[${addr}]:${port}`,
};

export const WORDS6: Words = {
  protos: [
    [34, ''],
    [22, 'tcp'],
    [22, 'udp'],
    [17, 'ipv6-icmp'],
    [2, 'sctp'],
    [1, 'dccp'],
    [1, 'esp'],
    [1, 'mobility-header'],
  ],
  notProtos: ['tcp', 'udp', 'ipv6-icmp'],
  fragments: ['-m frag --fragfirst', '-m frag --fragmore', '-m frag --fraglast', '-m ipv6header --header frag --soft', '-m ipv6header --header none'],
  address,
  protoMatch,
  match,
  target,
  cluster: CLUSTER6,
};

export function ipv6Node(r: Rng, wires: readonly CorpusLink[], policyRules: boolean, rules: Rules): Node {
  const w = makeWorld(r, wires, policyRules);
  const ip = [...makeAddresses(r, w), ...makeRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w, '::');
  const made = { ...rulesOf(rules, r, w, sets, WORDS6), ...nativePart(rules, r, { four: null, six: w }) };
  return { ip, ...made, sysctls: makeSysctls(r, w), sockets, steps: makeSteps(r, w, sockets) };
}
