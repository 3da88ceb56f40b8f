/** A frame that is received without its padding ends as it does with it, wherever its lengths are wrong. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ETH_P_IP, ETH_P_IPV6 } from '../../src/packet/skb.js';
import { parsePacketText } from '../../src/packet/text.js';
import { nodeFromFiles } from '../../src/scenario/node.js';
import { Network } from '../../src/stack/network.js';
import { frameToSkb } from '../../src/stack/receive.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { ListRecorder } from '../../src/trace/event.js';

const device = (ifindex: number, ifname: string, address: string): object => ({
  ifindex,
  ifname,
  flags: ['BROADCAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  operstate: 'UP',
  link_type: 'ether',
  address,
});
const local = (ifindex: number, ifname: string, a: string, b: string): object => ({
  ifindex,
  ifname,
  addr_info: [
    { family: 'inet', local: a, prefixlen: 24, scope: 'global', label: ifname },
    { family: 'inet6', local: b, prefixlen: 64, scope: 'global' },
  ],
});
const { value: state } = nodeFromFiles('r', [
  { path: 'ip-link.json', text: JSON.stringify([device(2, 'in0', '02:00:00:00:00:02'), device(3, 'out0', '02:00:00:00:00:03')]) },
  { path: 'ip-addr.json', text: JSON.stringify([local(2, 'in0', '10.0.1.1', '2001:db8:1::1'), local(3, 'out0', '10.0.2.1', '2001:db8:2::1')]) },
  { path: 'ip-route.txt', text: '10.0.1.0/24 dev in0 scope link src 10.0.1.1\n10.0.2.0/24 dev out0 scope link src 10.0.2.1\n' },
  { path: 'ip-route6.txt', text: '2001:db8:1::/64 dev in0 metric 256\n2001:db8:2::/64 dev out0 metric 256\n' },
  { path: 'neigh.txt', text: '10.0.2.9 dev out0 lladdr 02:00:00:00:09:09 PERMANENT\n2001:db8:2::9 dev out0 lladdr 02:00:00:00:09:09 PERMANENT\n' },
  { path: 'sysctl.txt', text: 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n' },
  {
    path: 'iptables-save',
    text: '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\n-A FORWARD -m length --length 0:40 -j ACCEPT\nCOMMIT\n',
  },
]);

/** What the node tells, but for the bytes of the packet on its way. */
function told(frame: Uint8Array, padded: boolean): unknown {
  const recorder = new ListRecorder();
  const net = new Network({ nodes: [state], wires: [], clock: 0, seed: 1 }, { recorder, makeSockets: scenarioSockets });
  const [node] = net.nodes;
  const dev = node.device('in0');
  if (!dev) throw new Error('no in0');
  node.arrive(frameToSkb(1, frame, padded), dev);
  net.world.run();
  return { events: recorder.events.map((e) => ({ ...e, frame: null, view: null })), mib: [...node.mib.values] };
}

const here = { file: '', line: 1, column: 1 };
const PACKETS = [
  'udp 10.0.1.9:1 > 10.0.2.9:53 hex 6869',
  'tcp 10.0.1.9:1 > 10.0.2.9:80',
  'icmp 10.0.1.9 > 10.0.1.1',
  'udp [2001:db8:1::9]:1 > [2001:db8:2::9]:53 hex 6869',
].map((text) => {
  const { value, diagnostics } = parsePacketText(text, here);
  if (!value) throw new Error(diagnostics[0]?.message);
  return value;
});

function framed(ip: Uint8Array, pad: number): Uint8Array {
  const f = new Uint8Array(14 + ip.length + pad).fill(0x5a);
  f.set([2, 0, 0, 0, 0, 2, 2, 0xaa, 0, 0, 0, 9]);
  const type = ip[0] >>> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
  f.set([type >>> 8, type & 255], 12);
  f.set(ip, 14);
  return f;
}

it('a frame ends the same without its padding, whatever its bytes say', () => {
  const bytes = fc.array(fc.tuple(fc.nat(47), fc.nat(255)), { maxLength: 3 });
  let changed = 0;
  fc.assert(
    fc.property(fc.nat(PACKETS.length - 1), fc.nat(20), bytes, fc.nat(20), (which, pad, edits, cut) => {
      const ip = PACKETS[which].slice();
      for (const [at, v] of edits) if (at < ip.length) ip[at] = v;
      const frame = framed(ip, pad).subarray(0, 14 + ip.length + pad - cut);
      if (frameToSkb(1, frame, false).data.length < frame.length - 14) changed++;
      expect(told(frame, false)).toEqual(told(frame, true));
    }),
    { seed: 5, numRuns: 1500 },
  );
  expect(changed).toBeGreaterThan(300);
});
