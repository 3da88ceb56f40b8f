/** The router of ../shared/performance/kernel/lab.py as a node of ours: a veth on either side, rules in front, one neighbour for everything behind. */
import { readFileSync } from 'node:fs';
import type { NodeState } from '../src/scenario/model.js';
import { nodeFromFiles } from '../src/scenario/node.js';
import { Network } from '../src/stack/network.js';
import type { NodeRun } from '../src/stack/node-run.js';
import { scenarioSockets } from '../src/stack/sockets/scenario.js';
import type { Recorder } from '../src/trace/event.js';

const link = (ifindex: number, ifname: string, address: string, loopback = false): object => ({
  ifindex,
  ifname,
  flags: loopback ? ['LOOPBACK', 'UP', 'LOWER_UP'] : ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: loopback ? 65536 : 1500,
  qdisc: 'noqueue',
  operstate: 'UP',
  group: 'default',
  link_type: loopback ? 'loopback' : 'ether',
  address,
  ...(loopback ? {} : { linkinfo: { info_kind: 'veth' } }),
});

const addr = (ifindex: number, ifname: string, local: string, prefixlen: number): object => ({
  ifindex,
  ifname,
  addr_info: [{ family: 'inet', local, prefixlen, scope: local.startsWith('127.') ? 'host' : 'global', label: ifname }],
});

/** The node with these rules; `routes` as `ip route` prints them, after the connected ones. */
export function routerState(rules: string | null, routes = ''): NodeState {
  const files = [
    {
      path: 'ip-link.json',
      text: JSON.stringify([link(1, 'lo', '00:00:00:00:00:00', true), link(2, 'pr0', '02:00:00:00:01:02'), link(3, 'pr1', '02:00:00:00:02:01')]),
    },
    { path: 'ip-addr.json', text: JSON.stringify([addr(1, 'lo', '127.0.0.1', 8), addr(2, 'pr0', '10.1.0.1', 16), addr(3, 'pr1', '10.2.0.1', 32)]) },
    {
      path: 'ip-route.txt',
      text: `default via 10.2.0.2 dev pr1\n10.1.0.0/16 dev pr0 proto kernel scope link src 10.1.0.1\n10.2.0.0/16 via 10.2.0.2 dev pr1\n10.2.0.2 dev pr1 scope link\n${routes}`,
    },
    { path: 'neigh.txt', text: '10.2.0.2 dev pr1 lladdr 02:00:00:00:ff:ff PERMANENT\n10.1.0.2 dev pr0 lladdr 02:00:00:00:01:01 PERMANENT\n' },
    {
      path: 'sysctl.txt',
      text: 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.pr0.rp_filter = 0\nnet.ipv4.conf.pr1.rp_filter = 0\nnet.ipv4.conf.all.forwarding = 1\nnet.ipv4.conf.pr0.forwarding = 1\nnet.ipv4.conf.pr1.forwarding = 1\nnet.netfilter.nf_conntrack_max = 262144\n',
    },
    ...(rules === null ? [] : [{ path: 'iptables-save', text: rules }]),
  ];
  const { value, diagnostics } = nodeFromFiles('router', files);
  const bad = diagnostics.find((d) => d.severity === 'error');
  if (bad) throw new Error(`${bad.span?.file ?? ''}: ${bad.message}`);
  return value;
}

export interface Router {
  readonly network: Network;
  readonly node: NodeRun;
  /** Frames that left by pr1. */
  readonly sent: () => number;
  /** One frame from pr0's wire. */
  readonly inject: (frame: Uint8Array) => void;
}

export function router(state: NodeState, recorder: Recorder): Router {
  const network = new Network({ nodes: [state], wires: [], clock: 0, seed: 1 }, { recorder, makeSockets: scenarioSockets });
  let sent = 0;
  network.world.wiring = (_node, dev) => {
    if (dev.name === 'pr1') sent++;
  };
  const node = network.nodes[0];
  const dev = node.device('pr0');
  if (!dev) throw new Error('no device pr0');
  return { network, node, sent: () => sent, inject: (frame) => network.inject(node, dev, frame) };
}

export const textOf = (path: string): string => readFileSync(path, 'utf8');
