/** The library: scenarios in code, runs that do not disturb each other, matchers with their negatives, arbitraries. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddr } from '../../src/base/addr.js';
import { addressIn, addressOutside, inSet, outsideSet, packetsFrom, packetsTo } from '../../src/harness/fast-check.js';
import { matchers } from '../../src/harness/matchers.js';
import { loadScenario, type NetworkInput, network, packet, parseScenario, ping, repairs, runScenario, ScenarioError, tcp, udp } from '../../src/index.js';
import '../../src/harness/vitest.js';

const value: NetworkInput = {
  nodes: {
    a: { address: '10.0.0.1/24' },
    b: {
      address: '10.0.0.2/24',
      listen: ['tcp/80'],
      ipset:
        'create FRIENDS hash:net family inet hashsize 1024 maxelem 65536\nadd FRIENDS 10.1.0.0/16\nadd FRIENDS 10.2.3.4\ncreate NONE hash:ip family inet hashsize 1024 maxelem 65536\n',
      iptables:
        '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 81 -j DROP\nCOMMIT\n',
    },
  },
  wires: [['a:eth0', 'b:eth0']],
  what_if: { closed: { description: 'nobody comes in', do: [{ b: 'iptables -P INPUT DROP' }] } },
};
const net = network(value);

describe('a network in code', () => {
  it('is the scenario that a file with the same keys is', () => {
    const yaml = `version: 1
nodes:
  a: { address: 10.0.0.1/24 }
  b: { address: 10.0.0.2/24, listen: [tcp/80] }
wires: [[a:eth0, b:eth0]]
`;
    const fromFile = parseScenario(yaml).scenario;
    const built = network({
      nodes: { a: { address: '10.0.0.1/24' }, b: { address: '10.0.0.2/24', listen: ['tcp/80'] } },
      wires: [['a:eth0', 'b:eth0']],
    }).scenario;
    expect(JSON.stringify(built.nodes)).toBe(JSON.stringify(fromFile.nodes));
  });

  it('says everything that is wrong with it, each at its line of the text that says the same', () => {
    const wrong = () => network({ ...value, nodes: { ...value.nodes, c: { address: '10.0.0.300/24', gatway: '1' } as never }, wires: [['a:eth0', 'd:eth0']] });
    expect(wrong).toThrow(ScenarioError);
    expect(wrong).toThrow(
      /network\(\):\d+:\d+: error: “gatway” is not known here \[unknown-key\]\n {2}\s*gatway: "1"\n\s+\^+\n {2}hint: did you mean “gateway”\?/,
    );
    expect(() => network({ ...value, wires: [['a:eth0', 'd:eth0']] })).toThrow(/there is no node “d”/);
  });

  it('packets name nodes that are there', () => {
    expect(() => net.send(ping('z', '10.0.0.2'))).toThrow(/there is no node “z”/);
    expect(() => net.send(ping('a', '10.0.0.900'))).toThrow(/bad-address/);
    expect(() => net.send(packet('icmp nonsense', { from: 'a' }))).toThrow(ScenarioError);
  });
});

describe('repairs', () => {
  const closed = net.whatIf('closed');
  it('of a packet that is sent: each change that was tried, what becomes of it then, and commands that do() takes', () => {
    const [first, ...more] = closed.repairs(tcp('a', 'b:80'));
    expect(first).toMatchObject({ saves: true, fate: 'connected', harms: [] });
    expect(first.packet?.outcome.connection).toBe('established');
    expect(closed.do(...first.do).send(tcp('a', 'b:80')).outcome.connection).toBe('established');
    for (const r of more) expect(r.packet).not.toBeNull();
    expect(net.repairs(tcp('a', 'b:80'))).toEqual([]);
    expect(closed.repairs(tcp('a', 'b:80'), { outcomesOnly: true }).map((r) => r.do)[0]).toEqual(first.do);
  });
  it('of a packet of a run', () => {
    const run = loadScenario('scenarios/fabedge-edge-to-node.yaml').run();
    expect(run.packets.map((p) => repairs(run, p).map((r) => [r.saves, ...r.do]))).toEqual([
      [],
      [
        [true, 'edge1: ipset add FABEDGE-PEER-CIDR 10.234.102.161'],
        [false, 'node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=2'],
      ],
    ]);
    expect(() => repairs(run, closed.send(ping('a', '10.0.0.2')))).toThrow(/not of this run/);
  });
});

describe('runs', () => {
  it('leave nothing behind, unless they are one', () => {
    const connect = tcp('a', 'b:80', { sport: 40000, close: false });
    expect(net.send(connect).conntrack.get('b')).toHaveLength(1);
    expect(net.send(ping('a', 'b', { id: 7 })).conntrack.get('b')).toHaveLength(1);
    const both = net.sendAll([connect, ping('a', 'b', { id: 7 })]);
    expect(both.map((r) => r.conntrack.get('b')?.length)).toEqual([1, 2]);
  });
  it('are equal when repeated', () => {
    const fates = () => JSON.stringify(net.sendAll([udp('a', 'b:53'), tcp('a', 'b:80'), ping('a', 'b')]).map((r) => r.events));
    expect(fates()).toBe(fates());
  });
  it('count: gives as many results', () => {
    expect(net.sendAll([ping('a', 'b', { count: 3 })]).map((r) => r.nth)).toEqual([1, 2, 3]);
  });
});

describe('changes', () => {
  it('do, what-if and apply give another network; the first stays', () => {
    const closed = [
      net.whatIf('closed'),
      net.do('b: iptables -P INPUT DROP'),
      net.apply({ node: 'b', iptables_restore: '*filter\n:INPUT DROP [0:0]\nCOMMIT\n', noflush: true }),
      net.apply({ node: 'b', commands: ['iptables -A INPUT -j DROP'] }),
    ];
    for (const n of closed) expect(n.send(ping('a', 'b'))).toBeDroppedAt('b filter:INPUT');
    expect(net.send(ping('a', 'b'))).toBeAnswered();
  });
  it('refused commands throw with what the tool says', () => {
    expect(() => net.do('b: iptables -A NOWHERE -j DROP').send(ping('a', 'b'))).toThrow(/No chain\/target\/match by that name/);
    expect(() => net.whatIf('open')).toThrow(/has no what-if “open”/);
    expect(() => net.apply({ node: 'b', ipset_restore: 'add NOWHERE 1.2.3.4\n' }).send(ping('a', 'b'))).toThrow(/does not exist/);
  });
  it('two programs keep their order', () => {
    const drop = { node: 'b', iptables_restore: '*filter\n-I INPUT 1 -p icmp -j DROP\nCOMMIT\n', noflush: true };
    const accept = { node: 'b', iptables_restore: '*filter\n-I INPUT 1 -p icmp -j ACCEPT\nCOMMIT\n', noflush: true };
    expect(net.apply(drop, accept).send(ping('a', 'b'))).toBeAnswered();
    expect(net.apply(accept, drop).send(ping('a', 'b'))).not.toBeAnswered();
  });
  it('a restore with an error changes nothing of its table', () => {
    const broken = net.apply({ node: 'b', iptables_restore: '*filter\n-I INPUT 1 -j DROP\n-A NOWHERE -j DROP\nCOMMIT\n', noflush: true });
    expect(() => broken.send(ping('a', 'b'))).toThrow(ScenarioError);
  });
});

it('the scenario’s own packets and expectations', () => {
  const n = network({ ...value, packets: [{ ...ping('a', 'b', { name: 'hello' }), expect: 'answered' }] });
  expect(n.packet('hello')).toBeAnswered();
  expect(n.check().verdicts).toMatchObject([{ ok: true, label: 'fate' }]);
  expect(() => n.packet('goodbye')).toThrow(/packets: hello/);
  const closed = { closed: { do: [{ b: 'iptables -P INPUT DROP' }], expect: { hello: { fate: 'dropped' as const } } } };
  const w = network({ ...value, packets: [{ ...ping('a', 'b', { name: 'hello' }), expect: 'answered' }], what_if: closed });
  expect(w.whatIf('closed').check().verdicts).toMatchObject([{ ok: true, expected: 'dropped' }]);
  expect(runScenario(n.scenario).packets).toHaveLength(1);
  expect(() => loadScenario('/nowhere.yaml')).toThrow(/file-not-found/);
});

describe('matchers', () => {
  const dropped = net.send(tcp('a', 'b:81', { name: 'knock' }));
  const answered = net.send(ping('a', 'b', { name: 'hello' }));
  const rules = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m nosuchmatch -j DROP\nCOMMIT\n';
  const unknown = network({ ...value, nodes: { ...value.nodes, b: { ...value.nodes.b, iptables: rules } } });

  it.each<[keyof typeof matchers, readonly unknown[], boolean]>([
    ['toBeDelivered', [], false],
    ['toBeAnswered', [], false],
    ['toBeDroppedAt', ['b filter:INPUT:1'], true],
    ['toBeDroppedAt', ['b INPUT', 'NETFILTER_DROP'], true],
    ['toBeDroppedAt', ['a'], false],
    ['toBeSourceNatedTo', [], false],
    ['toBeSourceNatedTo', ['10.0.0.9'], false],
    ['toBeDestinationNatedTo', ['10.0.0.9:81'], false],
    ['toBeMasqueraded', [], false],
    ['toHitRule', ['b filter:INPUT:1'], true],
    ['toHitRule', ['b filter:OUTPUT'], false],
    ['toMatchTrace', [''], true],
    ['toMatchTrace', ['b: filter:INPUT:rule:1'], false],
  ])('%s(%s): %s', (name, args, pass) => {
    const m = (matchers[name] as (p: unknown, ...args: unknown[]) => { pass: boolean; message: string; negated: string })(dropped, ...args);
    expect(m.pass).toBe(pass);
    // Both directions can be read: the packet, what was wanted, what is, and the walk.
    for (const text of [m.message, m.negated]) expect(text).toMatch(/^knock\n {2}expected: [^\n]+\n {2}actual: {3}[^\n]+\n/);
    expect(m.negated).toContain('expected: not ');
  });

  it('fail with the rule and the walk', () => {
    expect(() => expect(dropped).toBeDelivered('b')).toThrow(
      /expected: delivered, delivered to b\n {2}actual: {3}dropped on b[\s\S]*rule: b filter:INPUT:1 {2}-A INPUT -p tcp[\s\S]*the walk/,
    );
    expect(() => expect(answered).not.toBeDelivered('b')).toThrow(/expected: not delivered, delivered to b/);
  });
  it('a rule that is not there is an error either way', () => {
    expect(() => expect(answered).toHitRule('b filter:INPUT:9')).toThrow(/has no rule 9/);
    expect(() => expect(answered).not.toHitRule('b filter:INPUT:9')).toThrow(/has no rule 9/);
    expect(() => expect(answered).not.toBeDroppedAt('c')).toThrow(/there is no node “c”/);
    expect(() => expect(answered).not.toBeDelivered('c')).toThrow(/there is no node “c”/);
    expect(() => expect(answered).not.toBeSourceNatedTo('10.0.0')).toThrow(/“10.0.0” is no address/);
    expect(() => expect(answered).toMatchTrace({ c: '' })).toThrow(/there is no node “c”/);
  });
  it('what the engine does not know is neither', () => {
    const sent = unknown.send(ping('a', 'b'));
    expect(sent.outcome.request.kind).toBe('inconclusive');
    expect(() => expect(sent).toBeDelivered()).toThrow(/inconclusive/);
    expect(() => expect(sent).not.toBeDelivered()).toThrow(/inconclusive/);
  });
  it('are asked of packets only', () => {
    expect(() => expect(42).toBeDelivered()).toThrow(/is asked of what net.send\(\) gives/);
  });
});

describe('arbitraries', () => {
  const inRange = (a: string, first: string, last: string): boolean => {
    const [x, y, z] = [a, first, last].map((t) => parseAddr(t) as number);
    return x >= y && x <= z;
  };
  it('addresses inside and outside of ranges', () => {
    fc.assert(
      fc.property(addressIn(['10.1.0.0/16', '10.3.0.1-10.3.0.9']), (a) => {
        expect(inRange(a, '10.1.0.0', '10.1.255.255') || inRange(a, '10.3.0.1', '10.3.0.9')).toBe(true);
      }),
    );
    fc.assert(
      fc.property(addressOutside('10.1.0.0/16', '10.0.0.0/14'), (a) => {
        expect(inRange(a, '10.0.0.0', '10.3.255.255') && !inRange(a, '10.1.0.0', '10.1.255.255')).toBe(true);
      }),
    );
    fc.assert(
      fc.property(addressIn('2001:db8::/64'), (a) => {
        expect(a).toMatch(/^2001:db8::/);
        expect(parseAddr(a)).not.toBeNull();
      }),
    );
  });
  it('addresses inside and outside of a set', () => {
    fc.assert(
      fc.property(inSet(net, 'b', 'FRIENDS'), (a) => {
        expect(a.startsWith('10.1.') || a === '10.2.3.4').toBe(true);
      }),
    );
    fc.assert(
      fc.property(outsideSet(net, 'b', 'FRIENDS'), (a) => {
        expect(a.startsWith('10.1.') || a === '10.2.3.4').toBe(false);
      }),
    );
    expect(() => inSet(net, 'b', 'NONE')).toThrow(/is empty/);
    expect(() => inSet(net, 'b', 'NOWHERE')).toThrow(/has no set “NOWHERE”; sets: FRIENDS, NONE/);
    expect(() => addressOutside('0.0.0.0/0')).toThrow(/leave no address/);
    expect(() => addressIn('10.0.0.0/33')).toThrow(/prefix length/);
  });
  it('packets towards and away from a node', () => {
    const protocols = new Set<string>();
    fc.assert(
      fc.property(packetsTo(net, 'b', { ports: fc.constant(80) }), (p) => {
        const r = net.send(p);
        protocols.add(r.packet.spec.kind);
        expect(r.outcome.request.start?.dst).toBe(parseAddr('10.0.0.2'));
      }),
      { numRuns: 40 },
    );
    expect([...protocols].sort()).toEqual(['ping', 'tcp', 'udp']);
    fc.assert(
      fc.property(packetsFrom(net, 'b', { protocols: ['icmp'] }), (p) => {
        expect(net.send(p)).toBeAnswered();
      }),
      { numRuns: 5 },
    );
  });
});
