/** Every key of `expect:`, both ways: expectations that hold, and ones that do not with what they have to say; senseless ones are errors. */
import { describe, expect, it } from 'vitest';
import { evaluators } from '../../../src/harness/expect/index.js';
import { type ExpectFile, type NetworkInput, network, type PacketInput, packet, ping, ScenarioError, tcp, udp } from '../../../src/index.js';

/** A client, a router that translates and filters, a server; and a router whose FORWARD policy nobody knows. */
const base: NetworkInput = {
  nodes: {
    client: { address: '10.0.0.2/24', gateway: '10.0.0.1' },
    router: {
      addresses: { lan: '10.0.0.1/24', wan: '203.0.113.1/24' },
      sysctl: { 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.rp_filter': 1 },
      iptables: `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i lan -j TRACE
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 203.0.113.100/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 203.0.113.9:80
-A POSTROUTING -s 10.0.0.0/24 -o wan -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:UNUSED - [0:0]
-A FORWARD -p udp -m udp --dport 53 -j DROP
-A FORWARD -p udp -m udp --dport 54 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -p udp -m udp --dport 55 -m nosuchmatch --what 1 -j DROP
COMMIT
`,
    },
    server: { address: '203.0.113.9/24', gateway: '203.0.113.1', listen: ['tcp/80', 'udp/53', 'udp/99'] },
    // At the border of the map: what it sends leaves, and nobody is there to take it.
    edge: { address: '198.51.100.1/24', neigh: '198.51.100.2 dev eth0 lladdr 02:00:00:00:99:99 PERMANENT' },
  },
  wires: [
    ['client:eth0', 'router:lan'],
    ['router:wan', 'server:eth0'],
  ],
};

const toServer = ping('client', '203.0.113.9');
const web = tcp('client', 'server:80');
const dns = udp('client', '203.0.113.9:53');
const refused = udp('client', '203.0.113.9:54');
const unknown = udp('client', '203.0.113.9:55');
const spoofed = packet('icmp 203.0.113.77 > 203.0.113.9', { at: 'router:lan' });

const judge = (p: PacketInput, expected: ExpectFile) =>
  network({ ...base, packets: [{ ...p, name: 'it', expect: expected }] })
    .check()
    .verdicts.map((v) => ({ ok: v.ok, actual: v.actual, expected: v.expected, walk: v.walk, responsible: v.responsible }));

describe('expectations that hold', () => {
  const rows: [string, PacketInput, ExpectFile][] = [
    ['fate: answered', toServer, { fate: 'answered' }],
    ['fate: delivered, when answered', toServer, { fate: 'delivered' }],
    ['fate: answered, a connection', web, { fate: 'answered', delivered_to: 'server' }],
    ['connection', web, { connection: 'established' }],
    ['connection, nobody listens', tcp('client', 'server:81'), { connection: 'refused', fate: 'rejected' }],
    ['fate: dropped', dns, { fate: 'dropped' }],
    ['fate: unanswered', dns, { fate: 'unanswered' }],
    ['fate: rejected', refused, { fate: 'rejected' }],
    ['fate: rejected is dropped, too', refused, { fate: 'dropped' }],
    ['fate: inconclusive', unknown, { fate: 'inconclusive' }],
    ['fate: held', ping('router', '203.0.113.200'), { fate: 'held' }],
    ['fate: held, on the way', packet('icmp 203.0.113.9 > 10.0.0.99', { at: 'router:wan' }), { fate: 'held' }],
    ['fate: forwarded', ping('edge', '198.51.100.2'), { fate: 'forwarded', out: 'edge:eth0' }],
    ['where: node', dns, { where: 'router' }],
    ['where: hook', dns, { where: 'router FORWARD' }],
    ['where: chain', dns, { where: 'router filter:FORWARD' }],
    ['where: rule', dns, { where: 'router filter:FORWARD:1' }],
    ['where: device', dns, { where: 'router:lan' }],
    ['where: box', spoofed, { where: 'router ip_rcv_finish' }],
    ['where: kernel function', spoofed, { where: 'router ip_rcv_finish_core' }],
    ['where: map', dns, { where: { node: 'router', hook: 'FORWARD', table: 'filter', chain: 'FORWARD', rule: 1, dev: 'lan' } }],
    ['reason', spoofed, { reason: 'IP_RPFILTER' }],
    ['cause', spoofed, { cause: 'rp-filter' }],
    ['delivered_to: socket', udp('client', 'server:99'), { delivered_to: 'server:srv2' }],
    ['out', toServer, { out: 'router:wan' }],
    ['visits', toServer, { visits: ['client', 'router', 'server'] }],
    ['visits, some of them', toServer, { visits: ['client', 'server'] }],
    ['source on arrival', toServer, { source: { client: '10.0.0.2', router: '10.0.0.2', server: '203.0.113.1' } }],
    ['source at the end', toServer, { source: '203.0.113.1' }],
    ['destination with port', tcp('client', '203.0.113.100:8080'), { destination: { router: '203.0.113.100:8080', server: '203.0.113.9:80' } }],
    ['snat_to', toServer, { snat_to: '203.0.113.1' }],
    ['dnat_to', tcp('client', '203.0.113.100:8080'), { dnat_to: '203.0.113.9:80', fate: 'answered' }],
    ['masqueraded', toServer, { masqueraded: true }],
    ['not masqueraded', ping('router', '203.0.113.9'), { masqueraded: false }],
    ['hits', toServer, { hits: ['nat:POSTROUTING:1', 'router raw:PREROUTING:1', 'filter:FORWARD:4'] }],
    ['misses', toServer, { misses: ['nat:PREROUTING', 'filter:FORWARD:1', 'router filter:UNUSED'] }],
    ['counters', spoofed, { counters: { router: { TcpExtIPReversePathFilter: 1, IpForwDatagrams: 0 } } }],
    ['conntrack, anywhere', toServer, { conntrack: 'icmp src=10.0.0.2 dst=203.0.113.9 src=203.0.113.9 dst=203.0.113.1' }],
    ['conntrack, by node', dns, { conntrack: { router: [] } }],
    ['trace', toServer, { trace: { router: traceOfPing() } }],
    ['trace pasted from a log', toServer, { trace: { router: traceOfPing().replace(/^(.+)$/gm, 'May 1 kernel: TRACE: $1 IN=lan OUT=') } }],
    ['trace of all nodes', toServer, { trace: traceOfPing().replace(/^(?=.)/gm, 'router: ') }],
    ['lines', toServer, { lines: { router: 4, server: 0 } }],
    [
      'reply',
      toServer,
      { reply: { fate: 'delivered', source: '203.0.113.9', destination: { router: '203.0.113.1' }, visits: ['server', 'router', 'client'] } },
    ],
  ];
  it.each(rows)('%s', (_name, p, e) => {
    expect(judge(p, e).filter((v) => !v.ok)).toEqual([]);
  });

  it('every key has a row', () => {
    const used = new Set(rows.flatMap(([, , e]) => Object.keys(e)));
    expect(evaluators.map((e) => e.key).filter((k) => !used.has(k))).toEqual([]);
  });
});

function traceOfPing(): string {
  return `raw:PREROUTING:policy:2
nat:PREROUTING:policy:2
filter:FORWARD:policy:4
nat:POSTROUTING:rule:1
`;
}

describe('expectations that do not hold', () => {
  const rows: [string, PacketInput, ExpectFile, RegExp][] = [
    ['fate', toServer, { fate: 'dropped' }, /^answered \(delivered on server\)$/],
    ['fate of a lost packet', dns, { fate: 'answered' }, /^dropped on router: NETFILTER_DROP in \w+ \(rule-drop\)$/],
    ['inconclusive is neither', unknown, { fate: 'dropped' }, /^inconclusive on router: /],
    ['nor its negation', unknown, { fate: 'unanswered' }, /^inconclusive on router: /],
    ['nothing is said to have missed', unknown, { misses: 'nat:PREROUTING:1' }, /^inconclusive$/],
    ['nor not to be masqueraded', unknown, { masqueraded: false }, /^inconclusive$/],
    ['where', dns, { where: 'server' }, /^dropped on router: .*rule filter:FORWARD:1$/],
    ['where, another rule', dns, { where: 'router filter:FORWARD:2' }, /rule filter:FORWARD:1$/],
    ['reason', dns, { reason: 'IP_RPFILTER' }, /NETFILTER_DROP/],
    ['cause', toServer, { cause: 'rp-filter' }, /^answered/],
    ['delivered_to', toServer, { delivered_to: 'router' }, /delivered on server/],
    ['out', toServer, { out: 'router:lan' }, /^left by router:wan$/],
    ['visits, the wrong way round', toServer, { visits: ['server', 'client'] }, /^through client, router, server$/],
    ['source', toServer, { source: { server: '10.0.0.2' } }, /^source 203\.0\.113\.1$/],
    ['source, never there', dns, { source: { server: '10.0.0.2' } }, /^it never came to server$/],
    ['snat_to', toServer, { snat_to: '203.0.113.2' }, /^router rewrote its source to 203\.0\.113\.1$/],
    ['dnat_to', toServer, { dnat_to: '203.0.113.2' }, /^no destination address was translated$/],
    ['masqueraded', toServer, { masqueraded: false }, /^router rewrote its source to 203\.0\.113\.1$/],
    ['hits', toServer, { hits: 'filter:FORWARD:1' }, /^filter:FORWARD:1 was tried and did not match: wanted .*17.*, had /],
    ['hits, never tried', dns, { hits: 'filter:FORWARD:2' }, /^filter:FORWARD:2 did not match; of that chain these did: 1$/],
    ['misses', toServer, { misses: 'nat:POSTROUTING:1' }, /^nat:POSTROUTING:1 matched$/],
    ['counters', spoofed, { counters: { router: { TcpExtIPReversePathFilter: 2 } } }, /^\+1 \(router: .*TcpExtIPReversePathFilter \+1/],
    ['conntrack', toServer, { conntrack: { server: 'tcp ESTABLISHED' } }, /^no entry at all$/],
    ['trace', toServer, { trace: { router: 'raw:PREROUTING:policy:2\nnat:PREROUTING:rule:1\n' } }, /^nat:PREROUTING:policy:2$/],
    ['trace, too short', toServer, { trace: { router: `${traceOfPing()}nat:POSTROUTING:policy:9\n` } }, /^\(no more: 4 lines, 5 expected\)$/],
    ['lines', toServer, { lines: { router: 0 } }, /^\d+$/],
    ['connection', web, { connection: 'refused' }, /^connection established \(answered/],
    ['reply', dns, { reply: { fate: 'delivered' } }, /^nobody answered$/],
  ];
  it.each(rows)('%s', (_name, p, e, actual) => {
    const [v] = judge(p, e);
    expect({ ok: v.ok, actual: v.actual }).toEqual({ ok: false, actual: expect.stringMatching(actual) });
  });

  it('say which rule or route it was, and the walk up to there', () => {
    const [v] = judge(dns, { fate: 'answered' });
    expect(v.responsible).toContain('rule: router filter:FORWARD:1  -A FORWARD -p udp -m udp --dport 53 -j DROP');
    expect(v.walk.at(-1)).toMatch(/DROPPED NETFILTER_DROP/);
    const [w] = judge(spoofed, { fate: 'delivered' });
    expect(w.responsible).toContainEqual(expect.stringMatching(/^route: router to 203\.0\.113\.9: /));
    const [y] = judge(toServer, { fate: 'dropped' });
    expect(y.responsible).toContain('let through by: router filter:FORWARD:4  policy ACCEPT');
    const [x] = judge(toServer, { source: '10.0.0.2' });
    expect(x.responsible).toContainEqual('rule: router nat:POSTROUTING:1  -A POSTROUTING -s 10.0.0.0/24 -o wan -j MASQUERADE');
  });
});

describe('expectations that make no sense', () => {
  const rows: [string, ExpectFile, RegExp][] = [
    ['a node', { where: 'rooter' }, /unknown-node/],
    ['a node of a rule', { hits: 'rooter nat:POSTROUTING:1' }, /unknown-node/],
    ['a chain', { hits: 'nat:POSTROUTNG:1' }, /unknown-chain[\s\S]*did you mean “POSTROUTING”/],
    ['a rule', { misses: 'nat:POSTROUTING:7' }, /unknown-rule[\s\S]*it has 1; 2 is its end/],
    ['no rule at all', { misses: 'POSTROUTING' }, /rule-form/],
    ['a chain that it ended in', { where: 'router filter:FORWRD' }, /unknown-chain/],
    ['a rule that it ended in', { where: 'router filter:FORWARD:9' }, /unknown-rule/],
    ['a stage', { where: 'router ip_rcv_finsh' }, /unknown-stage[\s\S]*did you mean “ip_rcv_finish”/],
    ['a hook', { where: { node: 'router', hook: 'FORWARDING' } }, /unknown-hook/],
    ['a device', { where: 'router:eth9' }, /unknown-device/],
    ['a device that it left by', { out: 'router:eth9' }, /unknown-device/],
    ['a counter', { counters: { router: { NoSuchCounter: 0 } } }, /unknown-counter/],
    ['a cause', { cause: 'bad luck' }, /unknown-cause/],
    ['a connection of a ping', { connection: 'established' }, /expect-connection/],
    ['an answer that is answered', { reply: { fate: 'answered' } }, /expect-reply-fate/],
  ];
  it.each(rows)('%s', (_name, e, message) => {
    expect(() => judge(toServer, e)).toThrow(message);
    expect(() => judge(toServer, e)).toThrow(ScenarioError);
  });

  it('a chain that went away before the packet', () => {
    const p = { ...toServer, do: [{ router: 'iptables -X UNUSED' }] };
    expect(() => judge(p, { misses: 'filter:UNUSED' })).toThrow(/unknown-chain/);
  });
  it('a scenario without packets, or without expectations', () => {
    expect(() => network(base).check()).toThrow(/no-packets/);
    expect(() => network({ ...base, packets: [toServer] }).check()).toThrow(/no-expectations/);
  });
});
