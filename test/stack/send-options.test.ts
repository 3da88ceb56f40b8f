/** What a sending socket is told: IP_TTL, IPV6_UNICAST_HOPS, IP_PMTUDISC_DO. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';

const NODES = `version: 1
nodes:
  a: { address: [10.0.0.1/24, 'fd00::1/64'] }
  b: { address: [10.0.0.2/24, 'fd00::2/64'], listen: [tcp/80] }
wires:
  - [a:eth0, b:eth0]
packets:
`;

function sent(packet: string) {
  const { value, diagnostics } = parseScenario(`${NODES}  - { name: p, from: a, ${packet} }\n`, 's.yaml', { read: () => null, list: () => null });
  if (!value) throw new Error(diagnostics.map((d) => d.message).join('; '));
  const run = runScenario(value, { execute }).packets[0];
  const mine = run.events.flatMap((e) => (e.t === 'emit' && e.node === 'a' ? [e.frame] : []));
  return { fate: run.outcome, ttls: new Set(mine.flatMap((f) => ttlOf(f))) };
}

/** TTL or hop limit of an Ethernet frame that holds an IP packet of the test. */
function ttlOf(frame: Uint8Array): number[] {
  const type = (frame[12] << 8) | frame[13];
  if (type === 0x0800) return [frame[14 + 8]];
  return type === 0x86dd && frame[14 + 7] !== 255 ? [frame[14 + 7]] : [];
}

describe('ttl', () => {
  it.each([
    ['ping: 10.0.0.2', 64],
    ['ping: { to: 10.0.0.2, ttl: 7 }', 7],
    ["ping: { to: 'fd00::2', ttl: 8 }", 8],
    ["udp: { to: '10.0.0.2:9', ttl: 9 }", 9],
    ["tcp: { to: '10.0.0.2:80', ttl: 10 }", 10],
    ['ping: { to: 224.0.0.1, dev: eth0, ttl: 3 }', 3],
  ])('%s: every packet leaves with %i', (packet, ttl) => {
    expect([...sent(packet).ttls]).toEqual([ttl]);
  });
});

describe('df', () => {
  it.each([
    ['ping: { to: 10.0.0.2, size: 1472, df: true }', 1],
    ['ping: { to: 10.0.0.2, size: 1473, df: true }', 0],
    ["ping: { to: 'fd00::2', size: 1453, df: true }", 0],
    ['ping: { to: 10.0.0.2, size: 1473 }', 1],
  ])('%s: sent %i', (packet, n) => {
    expect(sent(packet).ttls.size).toBe(n);
  });
});

describe('dev', () => {
  const NODES2 = `version: 1
nodes:
  a:
    addresses: { eth0: 10.0.0.1/24, eth1: 10.1.0.1/24 }
    gateway: 10.0.0.2
    iptables: |
      *filter
      -A OUTPUT -p tcp ! --tcp-flags RST RST -j REJECT --reject-with tcp-reset
      COMMIT
  b: { address: 10.0.0.2/24 }
  c: { address: 10.1.0.2/24 }
wires: [[a:eth0, b:eth0], [a:eth1, c:eth0]]
packets:
`;
  const emitted = (tcp: string): string[] => {
    const { value, diagnostics } = parseScenario(`${NODES2}  - { name: p, from: a, tcp: ${tcp} }\n`, 's.yaml', { read: () => null, list: () => null });
    if (!value) throw new Error(diagnostics.map((d) => d.message).join('; '));
    const { events } = runScenario(value, { execute }).packets[0];
    return events.flatMap((e) => (e.t === 'emit' && e.node === 'a' && e.frame[12] === 8 && e.frame[13] === 0 ? [e.dev] : []));
  };
  // Seen on Linux 6.18: nf_send_reset() asks for the route as the socket would.
  it.each([
    ["{ to: '8.8.8.8:80', src: 10.1.0.1 }", []],
    ["{ to: '8.8.8.8:80', dev: eth0 }", []],
    ["{ to: '8.8.8.8:80', src: 10.1.0.1, dev: eth0 }", ['eth0']],
  ])('tcp %s: a reset that REJECT makes in OUTPUT leaves by %j', (tcp, devices) => {
    expect(emitted(tcp)).toEqual(devices);
  });
});
