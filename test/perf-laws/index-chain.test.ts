/** A walk by the index is the linear walk: random chains with sets, effectful matches and hotdrops; verdict, matched rules, counters and every event alike. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasErrors } from '../../src/base/diagnostic.js';
import { readIptablesSave } from '../../src/formats/iptables-save.js';
import type { Env } from '../../src/netfilter/env.js';
import type { PacketCtx } from '../../src/netfilter/pred.js';
import { type CompiledRule, compileTable } from '../../src/netfilter/xtables/compile.js';
import { RuleCounters } from '../../src/netfilter/xtables/counters.js';
import { ChainIndex } from '../../src/netfilter/xtables/index-chain.js';
import { type WalkChain, type WalkTable, type WalkVerdict, walkTable } from '../../src/netfilter/xtables/walk.js';
import { Skb } from '../../src/packet/skb.js';
import { parsePacketText } from '../../src/packet/text.js';
import type { NetDevice } from '../../src/packet/types.js';
import { type Event, ListRecorder } from '../../src/trace/event.js';

const pick = <T>(...of: T[]): fc.Arbitrary<T> => fc.constantFrom(...of);
const maybe = (a: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.option(a, { nil: '' });
const inverted = (a: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.tuple(pick('', '', '', '! '), a).map(([bang, t]) => bang + t);

const address = pick('10.0.0.1/32', '10.0.0.2/32', '10.0.0.0/30', '10.0.0.0/24', '10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/1', '10.0.0.9/255.0.0.255');
const ports = pick('80', '81', '82', '80:81', '1000:2000', '0:65535');
const transport = fc.oneof(
  pick('', '-p tcp', '-p udp', '! -p tcp', '-p icmp -m icmp --icmp-type 8'),
  fc
    .tuple(pick('tcp', 'udp'), maybe(inverted(ports.map((p) => `--dport ${p}`))), maybe(inverted(ports.map((p) => `--sport ${p}`))))
    .map(([p, d, s]) => `-p ${p} -m ${p} ${d} ${s}`),
  pick('-p tcp -m tcp --tcp-option 2 --dport 80', '-p tcp -m multiport --dports 80,81'),
);
/** Effects and tellers, in front of the transport's facts or behind them. */
const other = pick(
  '',
  '',
  '',
  '-m set --match-set s src',
  '-m limit --limit 1/sec --limit-burst 2',
  '-m statistic --mode nth --every 2 --packet 0',
  '-m mark --mark 1',
  '-m comment --comment x',
);
const target = pick('', '-j ACCEPT', '-j DROP', '-j RETURN', '-j U1', '-g U2', '-j MARK --set-xmark 1/1', '-j LOG', '-j TRACE', '-j U2');

const rule = fc
  .tuple(
    maybe(inverted(address.map((a) => `-s ${a}`))),
    maybe(inverted(address.map((a) => `-d ${a}`))),
    maybe(inverted(pick('-i eth0', '-i eth+', '-i eth1'))),
    fc.boolean(),
    transport,
    other,
    target,
  )
  .map(([s, d, i, first, t, o, j]) => [s, d, i, ...(first ? [o, t] : [t, o]), j].filter((x) => x !== '').join(' '));

/** U1 calls U2; no loops. */
const chains = fc
  .record({ FORWARD: fc.array(rule, { maxLength: 40 }), U1: fc.array(rule, { maxLength: 25 }), U2: fc.array(rule, { maxLength: 25 }) })
  .map((c) => {
    const lines = (name: string, rules: readonly string[], not: RegExp): string[] => rules.map((r) => `-A ${name} ${r.replace(not, '-j ACCEPT')}`);
    return [
      '*raw',
      ':PREROUTING ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      ':U1 - [0:0]',
      ':U2 - [0:0]',
      ...lines('PREROUTING', c.FORWARD, /$^/),
      ...lines('U1', c.U1, /-j U1/),
      ...lines('U2', c.U2, /-[jg] U[12]/),
      'COMMIT',
      '',
    ].join('\n');
  });

const packet = fc
  .tuple(
    pick('10.0.0.1', '10.0.0.2', '10.0.0.9', '10.1.2.9', '192.0.2.1'),
    pick('10.0.0.1', '10.0.0.3', '10.0.7.9', '192.0.2.1'),
    pick('tcp', 'udp', 'icmp'),
    pick(80, 81, 82, 1500),
    pick(80, 1000, 5),
  )
  .map(([s, d, proto, dport, sport]) => (proto === 'icmp' ? `icmp ${s} > ${d}` : `${proto} ${s}:${sport} > ${d}:${dport}`));
/** Cut off behind so many bytes: hotdrops. */
const cut = pick(0, 0, 0, 22, 30);

const dev: NetDevice = {
  name: 'eth0',
  ifindex: 2,
  kind: '',
  linkType: 'ether',
  mac: 0,
  mtu: 1500,
  up: true,
  carrier: true,
  loopback: false,
  noarp: false,
  pointToPoint: false,
  promisc: false,
  master: null,
  group: 0,
};

interface Told {
  readonly verdicts: readonly WalkVerdict[];
  readonly events: readonly Event[];
  readonly counts: readonly (readonly number[])[];
}

function walkAll(text: string, packets: readonly (readonly [string, number])[], indexed: boolean, verbose = false): Told {
  const { value, diagnostics } = readIptablesSave(text, { file: 't', family: 'ipv4', kernelChecks: false });
  expect(hasErrors(diagnostics), JSON.stringify(diagnostics)).toBe(false);
  const compiled = compileTable(value.tables[0], 'ipv4');
  const plain = new Map(
    compiled.chains.map((c): [string, WalkChain] => [
      c.name,
      { at: c.at, policy: c.policy, rules: c.rules, first: c.first, length: c.length, end: c.end, named: (r, n) => c.named(r as CompiledRule, n) },
    ]),
  );
  const linear: WalkTable = { slots: compiled.slots, chain: (name) => plain.get(name) };
  const table: WalkTable = indexed ? compiled : linear;
  const rec = new ListRecorder(verbose);
  const states = new Map<object | string, unknown>();
  const env = {
    node: 'n',
    rec,
    now: () => 0,
    choose: { below: () => 0, port: (m: number) => m },
    sets: {
      test: (set: string, c: PacketCtx) => {
        const hit = c.skb.saddr === 0x0a000001;
        rec.event({ t: 'set-test', node: 'n', skb: c.skb.id, time: 0, set, member: '', hit, rule: c.rule });
        return { hit, member: '' };
      },
    },
    state: (key: object | string, make: () => unknown) => {
      if (!states.has(key)) states.set(key, make());
      return states.get(key);
    },
  } as unknown as Env;
  const counters = new RuleCounters<WalkTable>();
  const verdicts = packets.map(([p, short], i) => {
    const bytes = parsePacketText(p, { file: '', line: 1, column: 1 }).value as Uint8Array;
    const skb = new Skb(i + 1, { kind: 'injected', of: null }, short === 0 ? bytes : bytes.slice(0, short), 0x800);
    skb.dev = dev;
    return walkTable(table, 'PREROUTING', { skb, family: 'ipv4', hook: 'PREROUTING', in: dev, out: null, env, rule: null, hotdrop: false }, counters);
  });
  return {
    verdicts,
    events: rec.events,
    counts: compiled.chains.map((c) => Array.from({ length: c.length + 1 }, (_, i) => counters.of(table).packets(c.at + i))),
  };
}

describe('the index of a chain', () => {
  it('walks as the linear walk does', () => {
    fc.assert(
      fc.property(chains, fc.array(fc.tuple(packet, cut), { minLength: 1, maxLength: 6 }), (text, packets) => {
        expect(walkAll(text, packets, true)).toEqual(walkAll(text, packets, false));
      }),
      { numRuns: 300 },
    );
  });

  it('is not used where the rules that were tried are told', () => {
    const text = [
      '*raw',
      ':PREROUTING ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      ...Array.from({ length: 30 }, (_, i) => `-A PREROUTING -s 10.0.0.${i}/32 -j ACCEPT`),
      'COMMIT',
      '',
    ].join('\n');
    const tried = walkAll(text, [['icmp 10.0.0.29 > 10.0.0.1', 0]], true, true).events.filter((e) => e.t === 'no-match');
    expect(tried.map((e) => (e.t === 'no-match' ? e.rule.num : 0))).toEqual(Array.from({ length: 29 }, (_, i) => i + 1));
  });

  it('leaves few rules of a long chain, whatever their prefixes', () => {
    const rules = Array.from({ length: 2000 }, (_, i) => `-A PREROUTING -s 10.${i >> 8}.${i & 255}.0/${24 + (i % 9)} -p tcp -m tcp --dport ${i + 1} -j ACCEPT`);
    const text = ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
    const chain = compileTable(readIptablesSave(text, { file: 't', family: 'ipv4' }).value.tables[0], 'ipv4').chain('PREROUTING');
    const index = ChainIndex.of(chain?.rules ?? []);
    const bytes = parsePacketText('tcp 10.3.0.0:1 > 10.0.0.1:769', { file: '', line: 1, column: 1 }).value as Uint8Array;
    const c = { skb: new Skb(1, { kind: 'injected', of: null }, bytes, 0x800), in: dev, out: null } as unknown as PacketCtx;
    const candidates = index?.candidates(c) ?? null;
    const places: number[] = [];
    for (let n = 0; index && candidates !== null && index.place(candidates, n) >= 0; n++) places.push(index.place(candidates, n));
    expect(places).toContain(768);
    expect(places.length).toBeLessThan(6);
  });
});
