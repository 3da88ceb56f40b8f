/** Scenario files: what they become, how one is laid over another, and that bad ones are told apart instead of thrown. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddr } from '../../src/base/addr.js';
import { formatDiagnostic } from '../../src/base/diagnostic.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { FileSource, Scenario } from '../../src/scenario/model.js';
import { jsonSchema } from '../../src/scenario/schema.js';
import { memoryFiles } from '../diagnostics.readers.js';

function load(text: string, files: Record<string, string> = {}): Scenario {
  const r = loadScenario('s.yaml', memoryFiles({ 's.yaml': text, ...files }));
  expect(r.diagnostics.map(formatDiagnostic)).toEqual([]);
  if (!r.value) throw new Error('no scenario');
  return r.value;
}
const codes = (text: string, files: Record<string, string> = {}): string[] =>
  loadScenario('s.yaml', memoryFiles({ 's.yaml': text, ...files })).diagnostics.map((d) => d.code);

const TWO = `version: 1
nodes:
  a: { address: 10.0.0.1/24, gateway: 10.0.0.254 }
  b: { address: [10.0.0.2/24, 2001:db8::2/64], listen: [tcp/80, "udp/[::1]:53"] }
wires: [[a:eth0, b:eth0]]
`;

describe('small nodes', () => {
  it('a device, an address and a gateway in one line', () => {
    const s = load(TWO);
    const [a, b] = s.nodes;
    expect(a.kernel).toBe('6.18');
    expect(a.links.map((l) => [l.name, l.ifindex, l.linkType])).toEqual([
      ['lo', 1, 'loopback'],
      ['eth0', 2, 'ether'],
    ]);
    expect(a.links[1].mac).not.toBe(b.links[1].mac);
    expect(a.addrs.map((x) => `${x.dev} ${formatAddr(x.local)}/${x.prefixlen} ${x.scope}`)).toEqual(['lo 127.0.0.1/8 host', 'eth0 10.0.0.1/24 global']);
    expect(
      a.routes
        ?.filter((r) => r.table === 254)
        .map((r) => `${formatAddr(r.dst)}/${r.dstLen} ${r.nexthops[0].gateway === null ? '' : formatAddr(r.nexthops[0].gateway)}`),
    ).toEqual(['0.0.0.0/0 10.0.0.254', '10.0.0.0/24 ']);
    // Nothing said about routes: the stack derives them all.
    expect(b.routes).toBeNull();
    expect(b.sockets.map((x) => `${x.id} ${x.proto} ${formatAddr(x.addr)} ${x.port}`)).toEqual(['srv0 tcp 0.0.0.0 80', 'srv1 udp ::1 53']);
    expect(s.wires).toMatchObject([
      {
        kind: 'pair',
        name: null,
        ends: [
          { node: 'a', dev: 'eth0' },
          { node: 'b', dev: 'eth0' },
        ],
      },
    ]);
  });

  it('a gateway outside the own network is on link, as Calico has it', () => {
    const [n] = load('version: 1\nnodes: { p: { address: 10.9.0.5/32, gateway: 169.254.1.1 } }\n').nodes;
    expect(n.routes?.find((r) => r.dstLen === 0)?.nexthops).toEqual([{ gateway: 0xa9fe0101, dev: 'eth0', weight: 1, flags: ['onlink'] }]);
  });

  it('routes in ip route text stand beside the connected ones', () => {
    const [n] = load('version: 1\nnodes:\n  a:\n    address: 10.0.0.1/24\n    routes: |\n      10.5.0.0/16 via 10.0.0.9 dev eth0\n').nodes;
    expect(n.routes?.filter((r) => r.table === 254).map((r) => `${formatAddr(r.dst)}/${r.dstLen} ${r.protocol}`)).toEqual([
      '10.5.0.0/16 boot',
      '10.0.0.0/24 kernel',
    ]);
    expect(n.routes?.some((r) => r.table === 255 && r.dst === 0x0a000001)).toBe(true);
  });

  it('a gateway without a device leaves by the one whose network it is in, or whose route leads there', () => {
    const [n] = load(
      'version: 1\nnodes:\n  a:\n    addresses: { eth0: 10.0.0.1/24, eth1: 10.0.1.1/24 }\n    routes: |\n      10.5.0.0/16 via 10.0.1.9\n      10.6.0.0/16 via 10.9.0.9\n      10.9.0.0/16 dev eth1 scope link\n',
    ).nodes;
    expect(n.routes?.slice(0, 2).map((r) => r.nexthops[0].dev)).toEqual(['eth1', 'eth1']);
  });

  describe('a gateway that nothing leads to', () => {
    const said = (routes: string, more = '', files: Record<string, string> = {}, key = 'routes'): string[] =>
      loadScenario(
        's.yaml',
        memoryFiles({
          's.yaml': `version: 1\nnodes:\n  a:\n${more || '    address: [10.0.0.1/24, fd00::1/64]\n'}    ${key}: |\n${routes.replace(/^/gm, '      ')}\n`,
          ...files,
        }),
      ).diagnostics.map((d) => `${d.severity} ${d.code} ${d.span?.line}:${d.span?.column}`);
    // Each was typed on Linux 6.18, on a node with these addresses.
    it.each([
      ['default via 10.0.9.254', true],
      ['10.4.0.0/16 via 10.0.7.254 dev eth0', true],
      ['default nexthop via 10.0.0.9 nexthop via 10.0.9.254', true],
      ['10.3.0.0/16 via 10.9.9.9\ndefault via 10.3.0.1', true],
      ['10.1.0.0/16 via 10.0.0.7', false],
      ['10.2.0.0/16 via 10.0.8.254 dev eth0 onlink', false],
      ['10.9.0.0/16 dev eth0 scope link\n10.3.0.0/16 via 10.9.9.9', false],
      ['10.4.0.0/16 via inet6 fe80::1 dev eth0', false],
      ['blackhole 10.6.0.0/16', false],
    ])('%s', (text, bad) => expect(said(text).every((l) => l.startsWith('warning route-gateway-invalid ')) && said(text).length > 0).toBe(bad));
    it.each([
      ['default via fd00:1::1', true],
      ['fd02::/64 via fd00::7', false],
      ['fd01::/64 via fe80::1 dev eth0', false],
    ])('of IPv6: %s', (text, bad) => expect(said(text, '', {}, 'routes6')).toEqual(bad ? [expect.stringMatching(/^warning route-gateway-invalid 6:/)] : []));
    it('is where it stands', () =>
      expect(said('10.1.0.0/16 via 10.0.0.7\n10.4.0.0/16 via 10.0.7.254 dev eth0')).toEqual(['warning route-gateway-invalid 7:19']));
    it('is not looked for in what a node printed, nor where its addresses are not known', () => {
      const files = { 'd/ip-addr': '', 'd/ip-route': 'default via 10.0.9.254 dev eth0\n' };
      expect(loadScenario('s.yaml', memoryFiles({ 's.yaml': 'version: 1\nnodes: { a: { dumps: d } }\n', ...files })).diagnostics).toEqual([]);
      expect(said('default via 10.0.9.254', '    dumps: d\n', files)).toEqual([]);
      const file = { 's.yaml': 'version: 1\nnodes: { a: { address: 10.0.0.1/24, routes: { file: r } } }\n', r: 'default via 10.0.9.254 dev eth0\n' };
      expect(loadScenario('s.yaml', memoryFiles(file)).diagnostics).toEqual([]);
    });
  });

  it('devices in short: bridge with ports, tunnel, secondary address', () => {
    const [n] = load(`version: 1
nodes:
  a:
    links:
      br0: { kind: bridge, ports: [v1, v2] }
      v1: { hairpin: true }
      tunl0: { kind: ipip }
      down0: { up: false }
    addresses: { br0: [10.0.0.1/24, 10.0.0.2/24], tunl0: 10.1.0.0/32 }
`).nodes;
    const link = (name: string) => n.links.find((l) => l.name === name);
    expect(link('v1')).toMatchObject({ master: 'br0', slaveKind: 'bridge', slaveData: { hairpin: true } });
    expect(link('tunl0')).toMatchObject({ kind: 'ipip', linkType: 'ipip', mtu: 1480, addressText: '0.0.0.0' });
    expect(link('tunl0')?.flags).toContain('NOARP');
    expect(link('down0')?.flags).not.toContain('UP');
    expect(n.addrs.filter((a) => a.dev === 'br0').map((a) => a.secondary)).toEqual([false, true]);
  });

  it('values keep their spelling', () => {
    const s = load('version: 1\nkernel: 6.10\nnodes: { a: { sysctl: { net.ipv4.ip_forward: 1, net/ipv4/conf/eth0.5/rp_filter: 2 } } }\n');
    expect(s.nodes[0].kernel).toBe('6.10');
    expect(s.nodes[0].sysctls).toEqual([
      { name: 'net/ipv4/ip_forward', value: '1' },
      { name: 'net/ipv4/conf/eth0.5/rp_filter', value: '2' },
    ]);
  });
});

describe('dumps', () => {
  const dumps = {
    'd/sysctl.txt': 'net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.rp_filter = 1\n',
    'd/iptables-save': '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n',
  };
  it('inline parts are laid over a folder; sysctls name by name', () => {
    const s = load('version: 1\nnodes:\n  a:\n    dumps: d\n    sysctl: { net.ipv4.ip_forward: 1 }\n', dumps);
    expect(s.nodes[0].sysctls.map((x) => x.value)).toEqual(['1', '1']);
    expect(s.nodes[0].iptables?.tables[0].chains[0].rules.length).toBe(1);
  });
  it('a part in a file of its own', () => {
    const s = load('version: 1\nnodes: { a: { iptables: { file: d/iptables-save }, backend: nft } }\n', dumps);
    expect(s.nodes[0].iptables).toBeNull();
    expect(s.nodes[0].iptablesNft?.tables).toHaveLength(1);
  });
  it('an error inside a dump points into the dump, one inside a block into the scenario', () => {
    const bad = { 'd/iptables-save': '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dprot 80 -j DROP\nCOMMIT\n' };
    const inDump = loadScenario('s.yaml', memoryFiles({ 's.yaml': 'version: 1\nnodes: { a: { dumps: d } }\n', ...bad })).diagnostics[0];
    expect(inDump.span).toMatchObject({ file: 'd/iptables-save', line: 3, column: 17 });
    const text = `version: 1\nnodes:\n  a:\n    iptables: |\n${bad['d/iptables-save'].replace(/^(?=.)/gm, '      ')}`;
    const inline = loadScenario('s.yaml', memoryFiles({ 's.yaml': text })).diagnostics[0];
    expect(inline.span).toMatchObject({ file: 's.yaml', line: 7, column: 23 });
    expect(inline.sourceLine?.slice(22, 29)).toBe('--dprot');
  });
});

describe('packets', () => {
  it('every form', () => {
    const s = load(`${TWO}packets:
  - { from: a, ping: b, count: 2 }
  - { name: dns, from: a, udp: { to: "10.0.0.2:53", sport: 4000, payload: hi } }
  - { from: a, tcp: "[2001:db8::2]:80" }
  - { at: a:eth0, packet: 'icmp 10.0.0.9 > 10.0.0.1' }
  - { at: a:eth0, frame: "4500 0014 0000 0000 4001 0000 0a000001 0a000002" }
`);
    expect(s.packets.map((p) => [p.name, p.spec.kind, p.count])).toEqual([
      ['packet-1', 'ping', 2],
      ['dns', 'udp', 1],
      ['packet-3', 'tcp', 1],
      ['packet-4', 'text', 1],
      ['packet-5', 'frame', 1],
    ]);
    expect(s.packets[0].spec).toMatchObject({ to: 0x0a000002, size: 56, seq: 1, id: null });
    expect(s.packets[3].source).toEqual({ kind: 'device', node: 'a', dev: 'eth0' });
  });
  it('commands as a map or as text', () => {
    const s = load(`${TWO}do: [ { a: ip route del default } ]\npackets:\n  - { from: a, ping: b, do: [ "b: sysctl -w net.ipv4.ip_forward=1" ] }\n`);
    expect(s.do).toMatchObject([{ node: 'a', command: 'ip route del default' }]);
    expect(s.packets[0].do).toMatchObject([{ node: 'b', command: 'sysctl -w net.ipv4.ip_forward=1' }]);
  });
  it('a table is a matrix', () => {
    const s = load(`${TWO}table:\n  - { name: all, from: [a, b], to: [b, 10.9.9.9], proto: [icmp, tcp/80], expect: answered }\n`);
    expect(s.packets).toHaveLength(8);
    expect(s.packets[1].name).toBe('all [a > b tcp/80]');
    expect(s.expect).toHaveLength(8);
  });
  it('expectations keep key, value, direction and place', () => {
    const s = load(
      `${TWO}packets:\n  - from: a\n    ping: b\n    expect:\n      fate: answered\n      source: { b: 10.0.0.1 }\n      reply: { fate: delivered }\n`,
    );
    expect(s.expect.map((e) => [e.packet, e.direction, e.key, e.value, e.span.line])).toEqual([
      ['packet-1', 'request', 'fate', 'answered', 10],
      ['packet-1', 'request', 'source', { b: '10.0.0.1' }, 11],
      ['packet-1', 'reply', 'fate', 'delivered', 12],
    ]);
  });
});

describe('extends', () => {
  const base = `${TWO}packets:\n  - { name: p, from: a, ping: b, expect: answered }\n  - { name: q, from: b, ping: a }\nwhat_if:\n  one: [ { a: ip route flush } ]\n`;
  it('maps are merged, named lists by name, null and remove take away', () => {
    const s = load(
      'version: 1\nextends: base.yaml\nnodes: { a: { gateway: null, sysctl: { net.ipv4.ip_forward: 1 } } }\npackets:\n  - { name: q, remove: true }\n  - { name: p, count: 3 }\n  - { name: r, from: b, ping: a }\n',
      {
        'base.yaml': base,
      },
    );
    expect(s.packets.map((p) => [p.name, p.count])).toEqual([
      ['p', 3],
      ['r', 1],
    ]);
    expect(s.nodes[0].routes).toBeNull();
    expect(s.nodes[0].sysctls).toHaveLength(1);
    expect(s.whatIf.map((w) => w.name)).toEqual(['one']);
  });
  it('places and paths are those of the file that says it', () => {
    const files = { 'x/base.yaml': 'version: 1\nnodes: { a: { dumps: d } }\n', 'x/d/sysctl.txt': 'ip_forward = 1\n' };
    const r = loadScenario('s.yaml', memoryFiles({ 's.yaml': 'version: 1\nextends: x/base.yaml\nkernal: 5\n', ...files }));
    expect(r.diagnostics.map((d) => [d.code, d.span?.file, d.span?.line])).toEqual([['unknown-key', 's.yaml', 3]]);
    const t = loadScenario('s.yaml', memoryFiles({ 's.yaml': 'version: 1\nextends: x/base.yaml\n', ...files }));
    expect(t.diagnostics.map((d) => [d.code, d.span?.file, d.span?.line])).toEqual([['sysctl-name', 'x/d/sysctl.txt', 1]]);
  });
});

describe('bad input', () => {
  it('everything that is wrong at once', () => {
    expect(codes(`${TWO}packtes: []\nexpct: {}\n`)).toEqual(['unknown-key', 'unknown-key']);
    expect(codes(`${TWO.replace('10.0.0.1/24', '10.0.0.1/33')}packets:\n  - { from: c, ping: d }\n  - { at: a:eth7, packet: x }\n`)).toEqual([
      'bad-address',
      'unknown-node',
      'unknown-node',
      'unknown-device',
      'packet-text',
    ]);
  });
  it('names that JavaScript treats specially', () => {
    expect(
      load(
        'version: 1\nnodes: { constructor: { address: 10.0.0.1/24 }, toString: { address: 10.0.0.2/24 } }\npackets: [ { from: constructor, ping: toString } ]\n',
      ).nodes.map((n) => n.name),
    ).toEqual(['constructor', 'toString']);
    const r = loadScenario('s.yaml', memoryFiles({ 's.yaml': 'version: 1\nnodes: { __proto__: { address: 10.0.0.1/24 } }\n__proto__: { version: 2 }\n' }));
    expect(({} as Record<string, unknown>).version).toBeUndefined();
    expect(r.value === null || r.value.nodes.every((n) => n.name === '__proto__')).toBe(true);
  });
  it('never throws', () => {
    const words = [...new Set(`${TWO}packets: what_if: do: at: from: expect: extends: &x *x !!binary <<: null - ? | > "`.split(/(\s+|[[\]{},:])/))].filter(
      (w) => w !== '',
    );
    const mangled = fc
      .record({ at: fc.nat(TWO.length), cut: fc.nat(30), add: fc.oneof(fc.string(), fc.constantFrom(...words)) })
      .map((m) => TWO.slice(0, m.at) + m.add + TWO.slice(m.at + m.cut));
    fc.assert(
      fc.property(
        fc.oneof(
          mangled,
          fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((w) => w.join('')),
          fc.string(),
        ),
        (t) => {
          for (const d of loadScenario('s.yaml', memoryFiles({ 's.yaml': t })).diagnostics) expect(d.code).toMatch(/^[a-z-]+$/);
        },
      ),
      { numRuns: 300, seed: 11 },
    );
  });
});

it('the JSON Schema knows the keys', () => {
  const schema = jsonSchema() as { properties: Record<string, unknown>; additionalProperties: boolean };
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['nodes', 'wires', 'packets', 'what_if', 'extends']));
  expect(schema.additionalProperties).toBe(false);
});

/** Files of the repository. */
const root = new URL('../../', import.meta.url).pathname;
const disk: FileSource = {
  read: (p) => (existsSync(root + p) && statSync(root + p).isFile() ? readFileSync(root + p, 'utf8') : null),
  list: (d) => (existsSync(root + d) ? readdirSync(root + d) : null),
  readBytes: (p) => (existsSync(root + p) ? readFileSync(root + p) : null),
};
const yamls = (dir: string): string[] =>
  readdirSync(root + dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? yamls(`${dir}/${e.name}`) : e.name.endsWith('.yaml') ? [`${dir}/${e.name}`] : [],
  );

describe('scenarios of the repository load without a word', () => {
  it.each(yamls('scenarios'))('%s', (path) => {
    expect(loadScenario(path, disk).diagnostics.map(formatDiagnostic)).toEqual([]);
  });
});

describe('the main scenario', () => {
  it('has the devices that the real cluster has', () => {
    const s = loadScenario('scenarios/fabedge-edge-to-node.yaml', disk).value;
    if (!s) throw new Error('does not load');
    expect(s.nodes.map((n) => n.name)).toEqual(['edge1', 'master', 'node1', 'net-tool-edge1', 'net-tool-master', 'net-tool-node1']);
    for (const n of s.nodes) {
      expect(n.kernel).toBe('6.18');
      expect(n.links.some((l) => l.name === 'fabsec0')).toBe(false);
      const tunl0 = n.links.find((l) => l.name === 'tunl0');
      if (tunl0) expect(tunl0).toMatchObject({ kind: 'ipip', linkType: 'ipip', data: { local: 'any', remote: 'any' } });
    }
    const [edge1, master] = s.nodes;
    for (const n of [edge1, master]) {
      expect(n.xfrmStates).toHaveLength(2);
      expect(['in', 'fwd', 'out'].map((d) => n.xfrmPolicies.filter((p) => p.dir === d).length)).toEqual([8, 8, 8]);
    }
    expect(s.wires.map((w) => w.kind)).toEqual(['segment', 'pair', 'pair', 'pair']);
    expect(s.packets.map((p) => p.name)).toEqual(['master-to-node1', 'edge1-to-node1']);
  });
});
