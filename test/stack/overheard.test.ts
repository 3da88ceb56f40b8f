/** Frames for somebody whom the scenario does not have: what became of the packet follows the frame's addressee, not those who heard it; the kernel's events stay as they are. */
import { describe, expect, it } from 'vitest';
import { loadScenario, type Net, parseScenario } from '../../src/index.js';
import { EVERYTHING } from '../../src/render/narrow.js';
import { renderStory } from '../../src/render/story.js';
import type { PacketRun } from '../../src/stack/run-scenario.js';

const MISSING = '02:00:00:00:99:99';
const port = (name: string, n: number, more: string): string =>
  `      ${n}: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 ${more}\n          link/ether 02:00:00:00:88:0${n} brd ff:ff:ff:ff:ff:ff\n`;

/** a knows the MAC address of a neighbour, its gateway if nothing else is said, and sends to `to`. */
const net = (wires: string, neigh = `10.0.0.254 dev eth0 lladdr ${MISSING} REACHABLE`, to = '198.51.100.1'): Net =>
  parseScenario(`version: 1
nodes:
  a: { address: 10.0.0.1/24, gateway: 10.0.0.254, mac: 02:00:00:00:aa:01, neigh: '${neigh}' }
  b: { address: 10.0.0.2/24, mac: 02:00:00:00:aa:02 }
  c: { address: 10.0.0.3/24, mac: 02:00:00:00:aa:03 }
  sw:
    links: |
${port('p1', 3, 'master br0')}${port('p2', 4, 'master br0')}${port('p3', 5, 'master br0')}${port('br0', 6, '')}          bridge
wires:
${wires}
packets:
  - { name: out, from: a, ping: ${to} }
`);

const WIRE = '  - [a:eth0, b:eth0]';
const SEGMENT = '  - { switch: s, ends: [a:eth0, b:eth0, c:eth0] }';
const BRIDGE = '  - [a:eth0, sw:p1]\n  - [b:eth0, sw:p2]\n  - [c:eth0, sw:p3]';

const known = (to: string, mac: string): string => `${to} dev eth0 lladdr ${mac} REACHABLE`;

const drops = (p: PacketRun): string[] => p.events.flatMap((e) => (e.t === 'drop' ? [`${e.node} ${e.reason}`] : []));
const fate = ({ outcome: { request: f } }: PacketRun): string => [f.kind, f.node, f.dev ?? f.drop?.cause].join(' ');
const told = (n: Net): string => renderStory(n.run(), { verbose: false, colour: false, narrow: EVERYTHING }).split('\n--- ')[0];

describe('a router that no node is', () => {
  it.each([
    ['wire', WIRE, ['b OTHERHOST']],
    ['segment', SEGMENT, ['b OTHERHOST', 'c OTHERHOST']],
    ['bridge', BRIDGE, ['c OTHERHOST', 'b OTHERHOST']],
  ])('on a %s', (_, wires, heard) => {
    const n = net(wires);
    const p = n.packet('out');
    expect(fate(p)).toBe('left a eth0');
    expect(drops(p)).toEqual(heard);
    expect(fate(n.packet('out', { outcomesOnly: true }))).toBe(fate(p));
    const text = told(n);
    expect(text).toContain(`left a by eth0 to the next hop 10.0.0.254 (${MISSING}, which no node here has)`);
    expect(text).toContain('out left a by eth0 for 10.0.0.254, a router that the scenario does not have: what becomes of it there is not known.');
    expect(text).toContain(`heard by ${heard.map((h) => h.split(' ')[0]).join(', ')}, for whom it is not`);
  });

  it('fails the connection, and says where its packets went', () => {
    const p = net(SEGMENT).send({ from: 'a', tcp: '198.51.100.1:80' });
    expect(p.outcome.connection).toBe('timeout');
    expect(fate(p)).toBe('left a eth0');
  });

  it('is no matter of others whose device is down, or of a bridge whose other ports are closed', () => {
    const down = net('  - { switch: s, ends: [a:eth0, b:eth0] }').do('b: ip link set dev eth0 down').packet('out');
    expect(drops(down)).toEqual(['b NOT_SPECIFIED']);
    expect(fate(down)).toBe('left a eth0');
    const onePort = ['sw: ip link set dev p2 down', 'sw: ip link set dev p3 down'];
    const dead = net('  - { switch: s, ends: [a:eth0, b:eth0, sw:p1] }')
      .do(...onePort)
      .packet('out');
    expect(drops(dead)).toHaveLength(2);
    expect(fate(dead)).toBe('left a eth0');
    // Where the bridge is all that the wire leads to, it is lost there.
    expect(
      fate(
        net('  - [a:eth0, sw:p1]')
          .do(...onePort)
          .packet('out'),
      ),
    ).toBe('dropped sw bridge-port-state');
  });

  it('is found by a port that leads out of the files', () => {
    expect(fate(net('  - [a:eth0, sw:p1]\n  - [b:eth0, sw:p2]').packet('out'))).toBe('left sw p3');
  });

  it('of the recorded cluster: the gateway of the fabric', () => {
    const p = loadScenario('scenarios/fabedge-edge-to-node.yaml').send({ from: 'edge1', ping: '10.234.102.161' });
    expect(fate(p)).toBe('left edge1 eth0');
    expect(drops(p)).toEqual(['master OTHERHOST', 'node1 OTHERHOST']);
  });
});

describe('an addressee that is a node', () => {
  it('whose device is down loses the packet', () => {
    const n = net(SEGMENT, known('10.0.0.2', '02:00:00:00:aa:02'), '10.0.0.2');
    expect(fate(n.do('b: ip link set dev eth0 down').packet('out'))).toBe('dropped b device-down');
  });

  it('behind a port that is down loses it there', () => {
    const n = net('  - { switch: s, ends: [a:eth0, c:eth0, sw:p1] }\n  - [b:eth0, sw:p2]', known('10.0.0.2', '02:00:00:00:aa:02'), '10.0.0.2');
    expect(n.packet('out').outcome.answered).toBe(true);
    expect(fate(n.do('sw: ip link set dev p1 down').packet('out'))).toBe('dropped sw device-down');
  });

  it('on another wire is named', () => {
    const text = told(net(WIRE, known('10.0.0.254', '02:00:00:00:aa:03')));
    expect(text).toContain('whose MAC address 02:00:00:00:aa:03 is that of c:eth0: no wire joins that device to eth0 of a');
  });

  it.each([
    ['segment', SEGMENT, '10.0.0.2', 'dropped b not-for-us', 'eth0 of b, which has that address, is 02:00:00:00:aa:02'],
    ['bridge', BRIDGE, '10.0.0.3', 'dropped c not-for-us', 'eth0 of c, which has that address, is 02:00:00:00:aa:03'],
  ])('of which the sender has a wrong neighbour entry, on a %s, loses it for that entry', (_, wires, to, want, why) => {
    const n = net(wires, known(to, MISSING), to);
    expect(fate(n.packet('out'))).toBe(want);
    expect(fate(n.packet('out', { outcomesOnly: true }))).toBe(want);
    const text = told(n);
    expect(text).toContain(`because the neighbour entry of a for ${to} on eth0 says ${MISSING}, and ${why}`);
    expect(text).toContain(`try: --do 'a: ip neigh del ${to} dev eth0'`);
    expect(n.do(`a: ip neigh del ${to} dev eth0`).packet('out').outcome.answered).toBe(true);
  });
});

it('a frame that comes from outside and is for another host is lost', () => {
  const n = net(WIRE);
  const sent = n.packet('out').events.find((e) => e.t === 'emit')!;
  const frame = [...sent.frame].map((v) => v.toString(16).padStart(2, '0')).join('');
  expect(fate(n.send({ at: 'b:eth0', frame }))).toBe('dropped b not-for-us');
});
