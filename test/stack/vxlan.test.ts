/** Two nodes, a bridge on each, VXLAN between them: what goes in at one end comes out at the other. */
import { describe, expect, it } from 'vitest';
import type { FdbEntry, Link } from '../../src/link/model.js';
import type { NodeState } from '../../src/scenario/model.js';
import { bridgeNode, frame, HOST, link, mac, send } from './bridge-lab.js';

const ME = { A: 0x0a000001, B: 0x0a000002 } as const;
const UPLINK_MAC = { A: mac('02:00:00:00:0e:0a'), B: mac('02:00:00:00:0e:0b') } as const;

/** Host a is behind p1 of node A, host b behind p1 of node B. */
function node(self: 'A' | 'B', data: Readonly<Record<string, unknown>> = {}): NodeState {
  const other = self === 'A' ? 'B' : 'A';
  const base = bridgeNode({ known: [], sysctls: [['net/bridge/bridge-nf-call-iptables', '0']] });
  const vx: Link = link('vx', 20, {
    kind: 'vxlan',
    mtu: 1450,
    master: 'br0',
    slaveKind: 'bridge',
    slaveData: { no: '0x4', state: 'forwarding' },
    data: { id: 7, local: self === 'A' ? '10.0.0.1' : '10.0.0.2', port: 4789, port_range: { low: 50000, high: 50001 }, learning: true, ...data },
  });
  const uplink = link('e0', 21, { mac: UPLINK_MAC[self] });
  const remote: FdbEntry = {
    mac: 0,
    dev: 'vx',
    master: null,
    dst: ME[other],
    vlan: null,
    state: 'permanent',
    flags: ['self'],
    port: null,
    vni: null,
    via: null,
  };
  const fixed = base.addrs[1];
  const via = {
    family: 'ipv4',
    src: null,
    tos: 0,
    metric: 0,
    protocol: 'kernel',
    metrics: {},
    lock: [],
    pref: null,
    expires: null,
    error: null,
    realms: null,
    flags: [],
    nhid: null,
  } as const;
  const hop = (dev: string) => [{ gateway: null, dev, weight: 1, flags: [] }];
  return {
    ...base,
    links: [...base.links, vx, uplink],
    addrs: [{ ...fixed, dev: 'e0', local: ME[self], prefixlen: 24, label: 'e0' }],
    routes: [
      { ...via, type: 'local', dst: ME[self], dstLen: 32, table: 255, prefsrc: ME[self], scope: 'host', nexthops: hop('e0') },
      { ...via, type: 'unicast', dst: 0x0a000000, dstLen: 24, table: 254, prefsrc: ME[self], scope: 'link', nexthops: hop('e0') },
    ],
    neighs: [{ dev: 'e0', family: 'ipv4', dst: ME[other], lladdr: UPLINK_MAC[other], state: ['PERMANENT'], proxy: false, router: false }],
    fdb: [...base.fdb, remote],
  };
}

const inner = frame(HOST.b, HOST.a);

describe('vxlan', () => {
  it('an unknown host is asked for on every port and through the tunnel', () => expect(send(node('A'), ['p1', inner]).out).toEqual(['e0', 'p3', 'p2']));

  const outer = send(node('A'), ['p1', inner]).frames[0];
  it('the outer packet: addresses, ports, VNI, then the whole frame', () => {
    expect([...outer.slice(26, 34)]).toEqual([10, 0, 0, 1, 10, 0, 0, 2]);
    expect([(outer[34] << 8) | outer[35], (outer[36] << 8) | outer[37]]).toEqual([50000, 4789]);
    expect(outer[22]).toBe(64);
    expect([...outer.slice(42, 50)]).toEqual([8, 0, 0, 0, 0, 0, 7, 0]);
    expect(outer.slice(50)).toEqual(inner);
  });
  it('the other end takes it out and bridges it on', () => {
    const came = send(node('B'), ['e0', outer]);
    expect(came.out).toEqual(['p3', 'p2', 'p1']);
    expect(came.frames.every((f) => f.join() === inner.join())).toBe(true);
    expect(came.inconclusive).toEqual([]);
  });
  it('the answer takes the tunnel alone: bridge and vxlan have learnt', () => {
    const came = send(node('B'), ['e0', outer], ['p1', frame(HOST.a, HOST.b)]);
    expect(came.out).toEqual(['e0']);
  });
  it.each<[string, Readonly<Record<string, unknown>>, number, number]>([
    ['TTL of the device', { ttl: 9 }, 22, 9],
    ['DF', { df: 'set' }, 20, 0x40],
    ['TOS of the device', { tos: 0x10 }, 15, 0x10],
    ['no UDP checksum', { udp_csum: false }, 40, 0],
  ])('%s', (_, data, at, value) => expect(send(node('A', data), ['p1', inner]).frames[0][at]).toBe(value));
  it('a flow keeps its source port where the device leaves a choice, another has another (udp_flow_src_port())', () => {
    const other = inner.slice();
    other[11] ^= 0x40;
    const last = (...frames: Uint8Array[]): number => {
      const f = send(node('A', { port_range: undefined }), ...frames.map((x) => ['p1', x] as [string, Uint8Array])).frames.find(
        (x) => x.length === inner.length + 50,
      )!;
      return (f[34] << 8) | f[35];
    };
    const port = last(inner);
    expect(port >= 32768 && port < 60999).toBe(true);
    expect(last(inner, inner)).toBe(port);
    expect(last(inner, other)).not.toBe(port);
  });
  it('another VNI is nobody’s', () => {
    const wrong = outer.slice();
    wrong[48] = 8;
    wrong[40] = wrong[41] = 0;
    expect(send(node('B'), ['e0', wrong]).drops).toEqual(['VXLAN_VNI_NOT_FOUND tunnel-no-device']);
  });
});
