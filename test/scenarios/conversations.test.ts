/** TCP and UDP over several nodes: how a conversation ends for its client, and what carried the news. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';

const files = { read: () => null, list: () => null };
const NODES = `version: 1
nodes:
  client: { address: [10.0.1.2/24, 'fd00:1::2/64'], gateway: [10.0.1.1, 'fd00:1::1'] }
  router:
    addresses: { lan: [10.0.1.1/24, 'fd00:1::1/64'], dmz: [10.0.2.1/24, 'fd00:2::1/64'] }
    sysctl: { net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1 }
    iptables: |
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      -A PREROUTING -d 10.0.1.1/32 -p tcp -m tcp --dport 8000:8999 -j DNAT --to-destination 10.0.2.3
      -A PREROUTING -d 10.0.1.1/32 -p udp -m udp --dport 8000:8999 -j DNAT --to-destination 10.0.2.3
      COMMIT
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      -A FORWARD -p tcp -m tcp --dport 81 -j REJECT --reject-with tcp-reset
      -A FORWARD -p tcp -m tcp --dport 82 -j REJECT
      -A FORWARD -p tcp -m tcp --dport 83 -j DROP
      -A FORWARD -p tcp -m tcp --dport 84 --tcp-flags PSH PSH -j DROP
      -A FORWARD -p tcp -m tcp --dport 85 --tcp-flags PSH PSH -j REJECT --reject-with tcp-reset
      COMMIT
  server: { address: [10.0.2.3/24, 'fd00:2::3/64'], gateway: [10.0.2.1, 'fd00:2::1'], listen: [tcp/80, tcp/84, tcp/85, 'tcp/[::]:80', tcp/8000, udp/53 echo, udp/54, 'udp/[::]:53 echo', udp/8053 echo] }
wires:
  - [client:eth0, router:lan]
  - [router:dmz, server:eth0]
packets:
`;

function ended(packet: string) {
  const { value, diagnostics } = parseScenario(`${NODES}  - { name: p, from: client, ${packet} }\n`, 's.yaml', files);
  if (!value) throw new Error(diagnostics.map((d) => d.message).join('; '));
  const run = runScenario(value, { execute });
  const { outcome, counters } = run.packets[0];
  return { outcome, counters, reply: outcome.reply?.kind ?? null, server: counters.get('server'), client: counters.get('client') };
}

describe('tcp', () => {
  it.each([
    ['tcp: { to: 10.0.2.3:80, send: [a, b] }', 'established'],
    ['tcp: { to: 10.0.2.3:80, close: false }', 'established'],
    ["tcp: { to: '[fd00:2::3]:80', send: [a] }", 'established'],
    ['tcp: 10.0.2.3:4', 'refused'],
    ["tcp: '[fd00:2::3]:4'", 'refused'],
    ['tcp: 10.0.1.1:8000', 'established'],
    ['tcp: 10.0.1.1:8001', 'refused'],
    ['tcp: 10.0.2.3:81', 'refused'],
    // connect() reports an ICMP port unreachable as it reports a RST.
    ['tcp: 10.0.2.3:82', 'refused'],
    ['tcp: 10.0.2.3:83', 'timeout'],
    ['tcp: { to: 10.0.2.3:84, send: [a] }', 'stalled'],
    ['tcp: { to: 10.0.2.3:85, send: [a] }', 'reset'],
    ['tcp: 192.0.2.1:80', 'unreachable'],
  ])('%s: %s', (packet, connection) => {
    const { outcome } = ended(packet);
    expect(outcome.connection).toBe(connection);
    expect(outcome.answered).toBe(connection === 'established' || connection === 'stalled');
  });

  it('a closed port answers RST by itself, an open one does not', () => {
    expect(ended('tcp: 10.0.2.3:4').server?.get('TcpOutRsts')).toBe(1);
    expect(ended('tcp: 10.0.2.3:80').server?.get('TcpOutRsts')).toBeUndefined();
  });
});

describe('udp', () => {
  it.each([
    ['udp: 10.0.2.3:53', true],
    ["udp: '[fd00:2::3]:53'", true],
    ['udp: 10.0.1.1:8053', true],
    ['udp: 10.0.2.3:54', false],
    ['udp: 10.0.2.3:9', false],
  ])('%s: answered %s', (packet, answered) => {
    const { outcome } = ended(packet);
    expect(outcome.connection).toBeNull();
    expect(outcome.answered).toBe(answered);
  });

  it.each([
    ['udp: 10.0.2.3:9', 'UdpNoPorts', 'IcmpInDestUnreachs'],
    ['udp: 10.0.1.1:8009', 'UdpNoPorts', 'IcmpInDestUnreachs'],
    ["udp: '[fd00:2::3]:9'", 'Udp6NoPorts', 'Icmp6InDestUnreachs'],
  ])('%s: port unreachable comes back to the client', (packet, there, back) => {
    const { server, client } = ended(packet);
    expect(server?.get(there)).toBe(1);
    expect(client?.get(back)).toBe(1);
  });
});
