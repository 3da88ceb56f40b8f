/** A whole random node of IPv6. */
import type { CorpusLink } from '../../../harness/conformance/corpus.js';
import type { Node } from '../devices.js';
import { makeSockets } from '../node.js';
import type { Rng } from '../rng.js';
import { makeRules, type Words } from '../rules.js';
import { address, match, protoMatch } from './matches.js';
import { makeAddresses, makeRoutes, makeSysctls, makeWorld } from './node.js';
import { makeSteps } from './packets.js';
import { makeSets } from './sets.js';
import { target } from './targets.js';

const WORDS6: Words = {
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
};

export function ipv6Node(r: Rng, wires: readonly CorpusLink[], policyRules: boolean): Node {
  const w = makeWorld(r, wires, policyRules);
  const ip = [...makeAddresses(r, w), ...makeRoutes(r, w)];
  const sets = makeSets(r, w);
  const sockets = makeSockets(r, w, '::');
  return { ip, sets: sets.lines, ...makeRules(r, w, sets, WORDS6), sysctls: makeSysctls(r, w), sockets, steps: makeSteps(r, w, sockets) };
}
