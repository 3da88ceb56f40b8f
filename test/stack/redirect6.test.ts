/** ICMPv6 redirects: ip6_forward() and ndisc_send_redirect(), as a router in the middle of one network sends them. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';

/** a and b share a network, but a knows b by the router alone. `route`: how the router reaches b; `pings`: how many go out. */
function redirects(o: { route?: string; pings?: number } = {}) {
  const packets = Array.from({ length: o.pings ?? 1 }, (_, i) => `  - { name: p${i}, from: a, ping: 'fd00:2::2' }\n`);
  const text = `version: 1
nodes:
  a: { address: 'fd00::1/64', gateway: 'fd00::ff' }
  b: { address: ['fd00::2/64', 'fd00:2::2/64'] }
  router:
    addresses: { lan: 'fd00::ff/64' }
    sysctl: { net.ipv6.conf.all.forwarding: 1 }
    routes: |
      fd00:2::/64 ${o.route ?? 'dev lan'}
wires:
  - switch: lan
    ends: [a:eth0, b:eth0, router:lan]
packets:
${packets.join('')}`;
  const { value, diagnostics } = parseScenario(text, 's.yaml', { read: () => null, list: () => null });
  if (!value) throw new Error(diagnostics.map((d) => d.message).join('; '));
  const runs = runScenario(value, { execute }).packets;
  return runs.flatMap((r) => r.events.flatMap((e) => (e.t === 'emit' && e.node === 'router' && e.frame[14 + 40] === 137 ? [e.frame.subarray(14)] : [])));
}

const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');

describe('a packet that leaves by the device it came in on', () => {
  it('tells its source of the nearer hop and quotes the packet as it came', () => {
    const [r, ...more] = redirects();
    expect(more).toEqual([]);
    expect(r[7]).toBe(255);
    expect(hex(r.subarray(8, 10))).toBe('fe80');
    expect(hex(r.subarray(48, 80))).toBe(`${'fd000002000000000000000000000002'}${'fd000002000000000000000000000002'}`);
    const quoted = r.subarray(r.length - 104);
    expect(hex(quoted.subarray(0, 1))).toBe('60');
    expect(quoted[7]).toBe(64);
  });

  it('not where the next hop has no link-local address', () => {
    expect(redirects({ route: 'via fd00::2' })).toEqual([]);
  });

  it('at most six in a burst to one source', () => {
    expect(redirects({ pings: 9 }).length).toBe(6);
  });
});
