/**
 * Conversations through NAT against what Linux 6.18.44 made of them: packets in on `a` (>) and `b` (<) of a router, the packet that left on the other
 * side byte for byte ('' = none), and the table afterwards without time-outs. One conversation a line: [rules, [[direction, packet, out, table], …]].
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Addr, inPrefix, parseAddr } from '../../../src/base/addr.js';
import { formatEntry } from '../../../src/formats/conntrack.js';
import { entryOf } from '../../../src/netfilter/conntrack/entry.js';
import { type Manip, NAT_NOTHING, type NatRange } from '../../../src/netfilter/env.js';
import type { PacketCtx } from '../../../src/netfilter/pred.js';
import { IPPROTO } from '../../../src/packet/skb.js';
import { Lab } from './harness.js';

type Step = readonly [dir: '>' | '<', packet: string, out: string, table: readonly string[]];
const conversations = readFileSync(new URL('recorded/nat.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((l, i) => [i, ...(JSON.parse(l) as [string, Step[]])] as const);

const ip = (t: string): Addr => parseAddr(t) as Addr;
const to = (a: string, ports?: readonly [number, number], more: Partial<NatRange> = {}): NatRange => ({
  ...NAT_NOTHING,
  minAddr: ip(a),
  maxAddr: ip(a),
  minPort: ports?.[0] ?? null,
  maxPort: ports?.[1] ?? null,
  ...more,
});
const netmap = (net: string): NatRange => ({ ...NAT_NOTHING, minAddr: ip(`${net}.0`), maxAddr: ip(`${net}.255`), netmap: true });

type Rule = readonly [manip: Manip, when: (c: PacketCtx) => boolean, range: NatRange];
const fromA = (c: PacketCtx): boolean => inPrefix(c.skb.saddr, ip('10.0.1.0'), 24);
const toB = (c: PacketCtx): boolean => inPrefix(c.skb.daddr, ip('10.0.2.0'), 24);
const proto = (p: number) => (c: PacketCtx): boolean => toB(c) && c.skb.l4proto === p;
const vip = (c: PacketCtx): boolean => fromA(c) && c.skb.daddr === ip('10.0.2.9');
const vipPort = (p: number) => (c: PacketCtx): boolean => vip(c) && c.skb.l4proto === p && c.skb.dport === 80;
/** The rule sets, as iptables had them. */
const RULES = new Map<string, readonly Rule[]>([
  ['null', []],
  ['masq', [['SNAT', toB, to('10.0.2.1')]]],
  ['snat', [['SNAT', toB, to('10.0.2.50')]]],
  [
    'snatports',
    [
      ['SNAT', proto(IPPROTO.TCP), to('10.0.2.50', [5000, 5003])],
      ['SNAT', proto(IPPROTO.UDP), to('10.0.2.50', [5000, 5003])],
      ['SNAT', toB, to('10.0.2.50')],
    ],
  ],
  [
    'dnat',
    [
      ['DNAT', vipPort(IPPROTO.TCP), to('10.0.2.2', [8080, 8080])],
      ['DNAT', vipPort(IPPROTO.UDP), to('10.0.2.2', [9000, 9001])],
      ['DNAT', vip, to('10.0.2.3')],
    ],
  ],
  [
    'both',
    [
      ['DNAT', vip, to('10.0.2.2')],
      ['SNAT', toB, to('10.0.2.50')],
    ],
  ],
  [
    'netmap',
    [
      ['DNAT', (c) => fromA(c) && inPrefix(c.skb.daddr, ip('10.0.9.0'), 24), netmap('10.0.2')],
      ['SNAT', (c) => toB(c) && fromA(c), netmap('10.0.8')],
    ],
  ],
  [
    'masqports',
    [
      ['SNAT', proto(IPPROTO.TCP), to('10.0.2.1', [2000, 2002])],
      ['SNAT', proto(IPPROTO.UDP), to('10.0.2.1', [2000, 2002], { random: true })],
      ['SNAT', toB, to('10.0.2.1', undefined, { random: true })],
    ],
  ],
]);

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
/** The port or ICMP id that the recorded packet left with: what the kernel chose. */
const chosen = (out: Uint8Array): number => (out[9] === IPPROTO.ICMP ? (out[24] << 8) | out[25] : (out[20] << 8) | out[21]);

describe('NAT as the kernel did it', () => {
  it.each(conversations)('%i %s', (_i, rules, steps) => {
    const lab = new Lab();
    for (const [i, [, packet, out, table]] of steps.entries()) {
      const skb = lab.skb(bytes(packet));
      lab.ports.splice(0, 1, ...(out === '' ? [] : [chosen(bytes(out))]));
      const walk = (c: PacketCtx): 'ACCEPT' => {
        const rule = (RULES.get(rules) ?? []).find(([manip, when]) => (manip === 'DNAT') === (c.hook === 'PREROUTING') && when(c));
        if (rule) lab.ct.natSetup(c, rule[2], rule[0]);
        return 'ACCEPT';
      };
      lab.ct.conntrackIn(skb, 'PREROUTING');
      let alive = lab.ct.nat(lab.ctx(skb, 'PREROUTING'), walk) === 'ACCEPT';
      // A destination nobody has (an answer that was not translated back) ends at the neighbour, after POSTROUTING.
      const reachable = ['10.0.1', '10.0.2'].some((n) => [2, 3, 4, 9].some((h) => skb.daddr === ip(`${n}.${h}`)));
      const local = skb.daddr === ip('10.0.1.1') || skb.daddr === ip('10.0.2.1');
      if (alive && !local) {
        skb.ttl -= 1;
        alive = lab.ct.nat(lab.ctx(skb, 'POSTROUTING'), walk) === 'ACCEPT' && lab.ct.confirm(skb) === 'ACCEPT';
      } else if (alive) {
        lab.ct.nat(lab.ctx(skb, 'INPUT'), walk);
        lab.ct.confirm(skb);
      }
      const lines = [...lab.ct.entries()].map((c) => {
        const words = formatEntry(entryOf(c, lab.time), 'proc').replace(/ use=\d+/, '').split(/ +/);
        return words.filter((_w, k) => k !== 4).join(' ');
      });
      expect([i, lines.sort()]).toEqual([i, [...table].sort()]);
      if (reachable) expect([i, alive ? hex(skb.data) : '']).toEqual([i, out]);
    }
  });
});
