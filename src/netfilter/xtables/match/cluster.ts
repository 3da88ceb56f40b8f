/** `-m cluster --cluster-total-nodes n --cluster-local-node i --cluster-hash-seed s`: a share of the connections, by a hash. */
import { type Addr, type Ip6, isMulticast4, isMulticast6 } from '../../../base/addr.js';
import { jhash, reciprocalScale, wordsOfAddr } from '../../../base/jhash.js';
import type { PacketCtx } from '../../pred.js';
import { type Given, type MatchDefWithConntrack, OptionError } from '../extension.js';
import { bang, given, uint } from '../values.js';

interface ClusterMatch {
  readonly total: number;
  readonly mask: number;
  readonly seed: number;
  readonly invert: boolean;
}
/** XT_CLUSTER_NODES_MAX */
const MAX_NODES = 32;
const hex8 = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;

function parse(gs: readonly Given[]): ClusterMatch {
  const total = uint('cluster', given(gs, 'cluster-total-nodes')!, 1, MAX_NODES);
  const seed = uint('cluster', given(gs, 'cluster-hash-seed')!);
  const node = given(gs, 'cluster-local-node');
  const nodemask = given(gs, 'cluster-local-nodemask');
  const g = node ?? nodemask;
  if (!g) throw new OptionError("cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing");
  const mask = node ? 2 ** (uint('cluster', node, 1, MAX_NODES) - 1) : uint('cluster', nodemask!, 1, MAX_NODES);
  if (mask >= 2 ** total) {
    throw new OptionError(
      node
        ? "cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'"
        : "cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'",
      g.name,
    );
  }
  return { total, mask, seed, invert: g.invert };
}

const print = (d: ClusterMatch): string =>
  `${bang(d.invert)} --cluster-local-nodemask ${hex8(d.mask)} --cluster-total-nodes ${d.total} --cluster-hash-seed ${hex8(d.seed)}`;

/** xt_cluster_hash(): of an IPv6 address the first 32 bits only (NF_CT_TUPLE_L3SIZE, a number of words, is taken for bytes). */
const nodeOf = (d: ClusterMatch, src: Addr): number => reciprocalScale(jhash(wordsOfAddr(src).slice(0, 1), d.seed), d.total);

/** xt_cluster_mt(): the source of the connection's first packet says whose it is. A node of a cluster is sent frames to a multicast MAC, and takes them from here on. */
function matches(d: ClusterMatch, { skb }: PacketCtx): boolean {
  const toGroup = skb.family === 'ipv4' ? isMulticast4(skb.daddr as number) : isMulticast6(skb.daddr as Ip6);
  if (!toGroup && skb.pktType === 'multicast') skb.pktType = 'host';
  const { ct } = skb;
  if (ct === null || ct.template) return false;
  return (((d.mask >>> nodeOf(d, (ct.master ?? ct).orig.src)) & 1) === 1) !== d.invert;
}

export const cluster: MatchDefWithConntrack<ClusterMatch> = {
  name: 'cluster',
  kernel: 'net/netfilter/xt_cluster.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'cluster-total-nodes', arg: 'required', mandatory: true },
    { name: 'cluster-local-node', arg: 'required', invert: true, excl: ['cluster-local-nodemask'] },
    { name: 'cluster-local-nodemask', arg: 'required', invert: true, excl: ['cluster-local-node'] },
    { name: 'cluster-hash-seed', arg: 'required', mandatory: true },
  ],
  parse,
  print,
  lower: (d) => [{ kind: 'stateful', name: 'cluster', test: (c) => matches(d, c), show: print(d).trim() }],
  needsConntrack: () => true,
};
