/** An input route that is remembered is the one that a lookup would find: runs that listen make every lookup, runs that do not remember. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseIp4 } from '../../src/base/addr.js';
import { buildIp4, buildUdp } from '../../src/packet/build.js';
import { writeMac } from '../../src/packet/mac-bytes.js';
import { parseScenario } from '../../src/scenario/load.js';
import { Network } from '../../src/stack/network.js';
import { scenarioSockets } from '../../src/stack/sockets/scenario.js';
import { type Event, FATES, KindRecorder, ListRecorder, type Recorder } from '../../src/trace/event.js';

const TEXT = `version: 1
name: memo
nodes:
  r:
    addresses: { a: 10.0.0.1/24, b: 10.1.0.1/24, c: 10.2.0.1/24 }
    sysctl: { net.ipv4.ip_forward: 1, net.ipv4.conf.a.rp_filter: 1, net.ipv4.conf.b.rp_filter: 2 }
    rules: |
      0: from all lookup local
      90: from all tos 0x10 lookup 7
      100: from 10.0.0.66 lookup 8
      32766: from all lookup main
    routes: |
      10.0.0.0/24 dev a proto kernel scope link src 10.0.0.1
      10.1.0.0/24 dev b proto kernel scope link src 10.1.0.1
      10.2.0.0/24 dev c proto kernel scope link src 10.2.0.1
      10.9.0.0/16 nexthop via 10.1.0.2 dev b weight 1 nexthop via 10.2.0.2 dev c weight 2
      blackhole 10.8.0.0/16
      default via 10.1.0.2 dev b
      default via 10.2.0.2 dev c table 7
      10.9.0.0/16 via 10.0.0.2 dev a table 8
    neigh: |
      10.0.0.2 dev a lladdr 02:00:00:00:0a:02 PERMANENT
      10.1.0.2 dev b lladdr 02:00:00:00:0b:02 PERMANENT
      10.2.0.2 dev c lladdr 02:00:00:00:0c:02 PERMANENT
`;

const SOURCES = ['10.0.0.5', '10.0.0.66', '10.1.0.5', '10.7.0.1', '0.0.0.0'];
const TARGETS = ['10.1.0.2', '10.9.0.1', '10.9.0.2', '10.8.0.1', '8.8.8.8', '10.1.0.1', '224.0.0.1'];

/** Ends of packets, told to both. */
const ENDS: ReadonlySet<Event['t']> = new Set(['emit', 'deliver', 'consume', 'drop', 'inconclusive']);

const packet = fc.record({
  dev: fc.constantFrom('a', 'b', 'c'),
  src: fc.constantFrom(...SOURCES),
  dst: fc.constantFrom(...TARGETS),
  tos: fc.constantFrom(0, 0, 0x10),
});
type Packet = typeof packet extends fc.Arbitrary<infer T> ? T : never;

const network = (recorder: Recorder): Network => {
  const { value, diagnostics } = parseScenario(TEXT, 'memo.yaml', { read: () => null, list: () => null });
  if (!value) throw new Error(JSON.stringify(diagnostics));
  return new Network(value, { recorder, makeSockets: scenarioSockets });
};

function frame(n: Network, p: Packet): Uint8Array {
  const [src, dst] = [parseIp4(p.src) as number, parseIp4(p.dst) as number];
  const ip = buildIp4({ src, dst, proto: 17, tos: p.tos, payload: buildUdp({ sport: 1, dport: 9, payload: new Uint8Array(4) }, src, dst) });
  const f = new Uint8Array(14 + ip.length);
  writeMac(f, 0, n.nodes[0].device(p.dev)?.mac ?? 0);
  f.set([8, 0], 12);
  f.set(ip, 14);
  return f;
}

function fates(recorder: Recorder & { readonly events: Event[] }, packets: readonly Packet[]): unknown[] {
  const n = network(recorder);
  for (const p of packets) {
    const dev = n.nodes[0].device(p.dev);
    if (!dev) throw new Error(`no device ${p.dev}`);
    n.inject(n.nodes[0], dev, frame(n, p));
  }
  return recorder.events
    .filter((e) => ENDS.has(e.t))
    .map((e) => ({
      t: e.t,
      skb: e.skb,
      ...(e.t === 'emit' ? { dev: e.dev } : e.t === 'drop' ? { reason: e.reason, location: e.location, facts: e.facts } : {}),
    }));
}

it('a remembered input route is what a lookup would find', () => {
  const kinds = new Set<unknown>();
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 90, size: 'max' }), (packets) => {
      const told = fates(new ListRecorder(), packets);
      for (const e of told as { t: string; reason?: string; dev?: string }[]) kinds.add(e.reason ?? e.dev ?? e.t);
      expect(fates(new KindRecorder(FATES), packets)).toEqual(told);
    }),
    { numRuns: 60, seed: 7 },
  );
  // The packets do meet what they are made for.
  expect([...kinds]).toEqual(expect.arrayContaining(['a', 'b', 'c', 'IP_RPFILTER']));
});
