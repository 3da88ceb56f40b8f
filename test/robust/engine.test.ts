/** Whatever the rules and whatever the bytes: a run ends, says the same twice, accounts for every packet and changes nothing that it was given. Seeds are fixed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/model.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { execute } from '../../src/tools/execute.js';
import type { Event } from '../../src/trace/event.js';
import { memoryFiles } from '../diagnostics.readers.js';
import { checksumFault, deepFreeze, fates, type Injection, mended, rulesets, runFrames, type Seed, seeds, spoilt, textOf } from './engine.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 250);
const SEED = Number(process.env.FUZZ_SEED ?? 20);
const all = seeds(RUNS > 1000 ? 1 : 4);
for (const s of all) deepFreeze(s.node);
const everyFrame = all.flatMap((s) => s.frames.map((f) => f.bytes));

/** Each packet has one end; that of one whose error or copy came to no known end is not known either. Raw sockets are given a copy: what follows is the end. */
function strayFates(events: readonly Event[]): string[] {
  const out: string[] = [];
  for (const [id, list] of fates(events)) {
    const known = list.length > 1 && list.at(-1) === 'inconclusive' ? list.slice(0, -1) : list;
    const ends = known.length > 1 && known[0] === 'deliver' ? known.slice(1) : known;
    if (ends.length !== 1) out.push(`skb ${id}: ${list.length === 0 ? 'no end' : list.join(', ')}`);
  }
  return out;
}

const framesFor = (s: Seed): fc.Arbitrary<Injection[]> =>
  fc.array(
    fc
      .tuple(fc.oneof({ weight: 4, arbitrary: spoilt(s.frames.map((f) => f.bytes)) }, { weight: 1, arbitrary: spoilt(everyFrame) }), fc.nat(9), fc.boolean())
      .map(([bytes, d, mend]) => {
        const devs = [...s.frames.map((f) => f.dev), ...s.node.links.map((l) => l.name)];
        const b = mend ? mended(bytes) : bytes;
        // The link address it is recorded with: others are dropped at the door.
        if (b.length >= 6) b.set(s.frames[0].bytes.subarray(0, 6));
        return { node: s.node.name, dev: d < 6 ? devs[0] : devs[d % devs.length], bytes: b };
      }),
    { minLength: 1, maxLength: 3 },
  );

/** Work is bounded by what happens, whatever the machine is busy with: 10,000 received frames, each with its events. */
const MOST_EVENTS = 400_000;
/** One node without wires has the frames it is given, and its own answers. */
const MOST_OF_ONE = 20_000;

const cases = fc.constantFrom(...all).chain((s) => fc.record({ s: fc.constant(s), frames: framesFor(s), rules: fc.option(rulesets, { freq: 2 }) }));

describe('one node, any rules, any bytes', () => {
  it('ends, says the same twice, accounts for every packet, changes nothing given', () => {
    fc.assert(
      fc.property(cases, ({ s, frames, rules }) => {
        const node = rules ? deepFreeze({ ...s.node, iptables: rules }) : s.node;
        const { events } = runFrames([node], [], frames, true);
        expect(events.length).toBeLessThan(MOST_OF_ONE);
        expect(strayFates(events)).toEqual([]);
        expect(textOf(runFrames([node], [], frames, true).events)).toBe(textOf(events));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it('what is not listened to is not decided otherwise: without a recorder the same counters rise', () => {
    for (const s of all.slice(0, 20)) {
      const frames = s.frames.map((f) => ({ node: s.node.name, dev: f.dev, bytes: f.bytes }));
      const loud = runFrames([s.node], [], frames, true).net.nodes[0].mib.values;
      const quiet = runFrames([s.node], [], frames, false).net.nodes[0].mib.values;
      expect([...quiet]).toEqual([...loud]);
    }
  });

  it('emitted frames have right checksums where the received ones had', () => {
    let checked = 0;
    for (const s of all) {
      const frames = s.frames.map((f) => ({ node: s.node.name, dev: f.dev, bytes: f.bytes }));
      if (frames.some((f) => checksumFault(f.bytes, true) !== null)) continue;
      const { events, net } = runFrames([s.node], [], frames);
      for (const e of events) {
        if (e.t !== 'emit') continue;
        checked++;
        expect(`${s.id} ${checksumFault(e.frame, net.nodes[0].device(e.dev)?.linkType === 'ether')}`).toBe(`${s.id} null`);
      }
    }
    expect(checked).toBeGreaterThan(100);
  });
});

// --- networks that go round in circles ---

function scenario(text: string): Scenario {
  const { value, diagnostics } = loadScenario('x.yaml', memoryFiles({ 'x.yaml': text }));
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return deepFreeze(value as Scenario);
}

const router = (name: string, lines: string): string =>
  `  ${name}:\n    sysctl: { net.ipv4.ip_forward: 1, net.ipv4.conf.all.rp_filter: 0, net.ipv4.conf.default.rp_filter: 0 }\n${lines}`;
const toEachOther = { a: '    routes: |\n      default via 10.0.0.2 dev eth0\n', b: '    routes: |\n      default via 10.0.0.1 dev eth0\n' };
/** Host c behind router a, which has router b on its other side. */
const pair = (parts: { a?: string; b?: string; packet?: string }): string => `version: 1
nodes:
  c: { address: 10.2.0.2/24, gateway: 10.2.0.1 }
${router('a', `    addresses: { eth0: 10.0.0.1/24, eth1: 10.2.0.1/24 }\n${parts.a ?? toEachOther.a}`)}
${router('b', `    address: 10.0.0.2/24\n${parts.b ?? toEachOther.b}`)}
wires: [[a:eth0, b:eth0], [a:eth1, c:eth0]]
packets:
  - ${parts.packet ?? '{ name: p, from: c, ping: { to: 8.8.8.8, ttl: 255 } }'}
`;
const rules = (table: string, hooks: readonly string[], lines: readonly string[]): string =>
  `    iptables: |\n      *${table}\n${hooks.map((h) => `      :${h} ACCEPT\n`).join('')}${lines.map((l) => `      ${l}\n`).join('')}      COMMIT\n`;
const filter = (...lines: string[]): string => rules('filter', ['INPUT', 'FORWARD', 'OUTPUT'], lines);
const mangle = (...lines: string[]): string => rules('mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'], lines);

const loops: readonly (readonly [string, string, RegExp])[] = [
  ['two routers that send to each other', pair({}), /ttl-expired/],
  ['the same, and the error about it has no way back', pair({ a: `${toEachOther.a}${filter('-A OUTPUT -p icmp -j DROP')}` }), /ttl-expired|rule-drop/],
  [
    'REJECT on both sides of a connection',
    pair({ a: filter('-A INPUT -j REJECT'), b: filter('-A INPUT -j REJECT'), packet: '{ name: p, from: a, udp: "10.0.0.2:9" }' }),
    /rule-drop/,
  ],
  [
    'resets about resets',
    pair({
      a: filter('-A INPUT -p tcp -j REJECT --reject-with tcp-reset'),
      b: filter('-A INPUT -p tcp -j REJECT --reject-with tcp-reset'),
      packet: '{ name: p, from: a, tcp: "10.0.0.2:9" }',
    }),
    /rule-drop/,
  ],
  [
    'copies of copies',
    pair({
      a: mangle('-A POSTROUTING -j TEE --gateway 10.0.0.2', '-A PREROUTING -j TEE --gateway 10.0.0.2'),
      b: mangle('-A PREROUTING -j TEE --gateway 10.0.0.1'),
      packet: '{ name: p, from: a, ping: { to: 10.0.0.2, ttl: 255 } }',
    }),
    /./,
  ],
  [
    'a TTL that is set to what it was',
    pair({ a: `${toEachOther.a}${mangle('-A PREROUTING -j TTL --ttl-set 64')}`, b: `${toEachOther.b}${mangle('-A PREROUTING -j TTL --ttl-set 64')}` }),
    /loop/,
  ],
  [
    'an address translated back and forth',
    pair({
      a:
        rules(
          'nat',
          ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
          ['-A PREROUTING -d 8.8.8.8 -j DNAT --to-destination 9.9.9.9', '-A POSTROUTING -j MASQUERADE'],
        ) + toEachOther.a,
      b:
        rules(
          'nat',
          ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
          ['-A PREROUTING -d 9.9.9.9 -j DNAT --to-destination 8.8.8.8', '-A POSTROUTING -j MASQUERADE'],
        ) + toEachOther.b,
    }),
    /./,
  ],
];

describe('circles', () => {
  it.each(loops)('%s', (_name, text, cause) => {
    const s = scenario(text);
    const run = runScenario(s, { execute });
    expect(run.events.length).toBeLessThan(MOST_EVENTS);
    const causes = run.events.map((e) => (e.t === 'drop' ? e.cause : e.t === 'inconclusive' ? 'inconclusive' : '')).join(' ');
    expect(causes === '' ? run.events.map((e) => e.t).join(' ') : causes).toMatch(cause);
    expect(strayFates(run.events).slice(0, 5)).toEqual([]);
    const again = runScenario(s, { execute }).events;
    expect(again.length).toBe(run.events.length);
    expect(textOf(again.slice(-300))).toBe(textOf(run.events.slice(-300)));
  });
});
