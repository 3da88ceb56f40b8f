/**
 * Conversations through NAT against what Linux 6.18.44 made of them: packets in on `a` (>) and `b` (<) of a router, the packet that left on the other
 * side byte for byte ('' = none), and the table afterwards without time-outs. One conversation a line: [rules, [[direction, packet, out, table], …]].
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Addr, inPrefix, parseAddr } from '../../../src/base/addr.js';
import { formatEntry } from '../../../src/formats/conntrack.js';
import { entryOf } from '../../../src/netfilter/conntrack/entry.js';
import { type Manip, NAT_NOTHING, NAT_RANGE, type NatRange } from '../../../src/netfilter/env.js';
import type { PacketCtx } from '../../../src/netfilter/pred.js';
import { ETH_P_IP, ETH_P_IPV6, IPPROTO, type Skb } from '../../../src/packet/skb.js';
import { Lab } from './harness.js';

type Step = readonly [dir: '>' | '<', packet: string, out: string, table: readonly string[]];
const load = (name: string): (readonly [number, string, Step[]])[] =>
  readFileSync(new URL(`recorded/${name}.jsonl`, import.meta.url), 'utf8')
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

type Rule = readonly [manip: Manip, when: (c: PacketCtx) => boolean, range: NatRange];
/** The rule sets of both families, as iptables had them. `a` and `b` are the networks without a host number. */
function rulesOf(a: string, b: string, mapped: readonly [string, string], len: number, range: (net: string) => NatRange): Map<string, readonly Rule[]> {
  const fromA = (c: PacketCtx): boolean => inPrefix(c.skb.saddr, ip(`${a}0`), len);
  const toB = (c: PacketCtx): boolean => inPrefix(c.skb.daddr, ip(`${b}0`), len);
  const proto =
    (p: number) =>
    (c: PacketCtx): boolean =>
      toB(c) && c.skb.l4proto === p;
  const vip = (c: PacketCtx): boolean => fromA(c) && c.skb.daddr === ip(`${b}9`);
  const vipPort =
    (p: number) =>
    (c: PacketCtx): boolean =>
      vip(c) && c.skb.l4proto === p && c.skb.dport === 80;
  const snat: Rule = ['SNAT', toB, to(`${b}50`)];
  const udpRange: Rule[] = len === 24 ? [['DNAT', vipPort(IPPROTO.UDP), to(`${b}2`, [9000, 9001])]] : [];
  return new Map<string, readonly Rule[]>([
    ['null', []],
    ['masq', [['SNAT', toB, to(`${b}1`)]]],
    ['snat', [snat]],
    ['snatports', [['SNAT', proto(IPPROTO.TCP), to(`${b}50`, [5000, 5003])], ['SNAT', proto(IPPROTO.UDP), to(`${b}50`, [5000, 5003])], snat]],
    ['dnat', [['DNAT', vipPort(IPPROTO.TCP), to(`${b}2`, [8080, 8080])], ...udpRange, ['DNAT', vip, to(`${b}3`)]]],
    ['both', [['DNAT', vip, to(`${b}2`)], snat]],
    [
      'netmap',
      [
        ['DNAT', (c) => fromA(c) && inPrefix(c.skb.daddr, ip(`${mapped[0]}0`), len), range(b)],
        ['SNAT', (c) => toB(c) && fromA(c), range(mapped[1])],
      ],
    ],
    [
      'masqports',
      [
        ['SNAT', proto(IPPROTO.TCP), to(`${b}1`, [2000, 2002])],
        ['SNAT', proto(IPPROTO.UDP), to(`${b}1`, [2000, 2002], { flags: NAT_RANGE.RANDOM })],
        ['SNAT', toB, to(`${b}1`, undefined, { flags: NAT_RANGE.RANDOM })],
      ],
    ],
  ]);
}
const network = (first: string, last: string): NatRange => ({ ...NAT_NOTHING, minAddr: ip(first), maxAddr: ip(last), flags: NAT_RANGE.NETMAP });
const families = {
  nat: {
    nets: ['10.0.1.', '10.0.2.'],
    protocol: ETH_P_IP,
    rules: rulesOf('10.0.1.', '10.0.2.', ['10.0.9.', '10.0.8.'], 24, (n) => network(`${n}0`, `${n}255`)),
  },
  nat6: {
    nets: ['2001:db8:1::', '2001:db8:2::'],
    protocol: ETH_P_IPV6,
    rules: rulesOf('2001:db8:1::', '2001:db8:2::', ['2001:db8:9::', '2001:db8:8::'], 64, (n) => network(`${n}0`, `${n}ffff:ffff:ffff:ffff`)),
  },
} as const;

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
const hex = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
/** The port or ICMP id that the recorded packet left with: what the kernel chose. */
const chosen = (out: Skb): number => (out.l4proto === IPPROTO.ICMP || out.l4proto === IPPROTO.ICMPV6 ? out.u16(out.thoff + 4) : out.sport);

describe.each(['nat', 'nat6'] as const)('%s as the kernel did it', (family) => {
  const { nets, protocol, rules: ruleSets } = families[family];
  it.each(load(family))('%i %s', (_i, rules, steps) => {
    const lab = new Lab();
    for (const [i, [, packet, out, table]] of steps.entries()) {
      const skb = lab.skb(bytes(packet), protocol);
      lab.ports.splice(0, 1, ...(out === '' ? [] : [chosen(lab.skb(bytes(out), protocol))]));
      const walk = (c: PacketCtx): 'ACCEPT' => {
        const rule = (ruleSets.get(rules) ?? []).find(([manip, when]) => (manip === 'DNAT') === (c.hook === 'PREROUTING') && when(c));
        if (rule) lab.ct.natSetup(c, rule[2], rule[0]);
        return 'ACCEPT';
      };
      lab.ct.conntrackIn(skb, 'PREROUTING');
      let alive = lab.ct.nat(lab.ctx(skb, 'PREROUTING'), [walk]) === 'ACCEPT';
      // A destination nobody has (an answer that was not translated back) ends at the neighbour, after POSTROUTING.
      const reachable = nets.some((n) => [2, 3, 4, 9].some((h) => skb.daddr === ip(`${n}${h}`)));
      const local = nets.some((n) => skb.daddr === ip(`${n}1`));
      if (alive && !local) {
        skb.ttl -= 1;
        alive = lab.ct.nat(lab.ctx(skb, 'POSTROUTING'), [walk]) === 'ACCEPT' && lab.ct.confirm(skb) === 'ACCEPT';
      } else if (alive) {
        lab.ct.nat(lab.ctx(skb, 'INPUT'), [walk]);
        lab.ct.confirm(skb);
      }
      const lines = [...lab.ct.entries()].map((c) => {
        const words = formatEntry(entryOf(c, lab.time), 'proc')
          .replace(/ use=\d+/, '')
          .split(/ +/);
        return words.filter((_w, k) => k !== 4).join(' ');
      });
      expect([i, lines.sort()]).toEqual([i, [...table].sort()]);
      if (reachable) expect([i, alive ? hex(skb.data) : '']).toEqual([i, out]);
    }
  });
});
