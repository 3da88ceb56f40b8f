/** What targets do to a packet, and what they ask of the world. */
import { describe, expect, test } from 'vitest';
import { TCP_FLAG } from '../../../../src/packet/build.js';
import { foldChecksum, pseudoSum, sum16 } from '../../../../src/packet/checksum.js';
import type { Skb } from '../../../../src/packet/skb.js';
import { addr, type PacketSpec, packet, runTarget, world } from './world.js';

const MANGLE = '-t mangle -A FORWARD';

/** rule, packet, field of the skb, value after. */
const writes: readonly (readonly [string, PacketSpec, (s: Skb) => unknown, unknown])[] = [
  [`${MANGLE} -j MARK --set-mark 1/2`, { mark: 0xff }, (s) => s.mark, 0xfd],
  [`${MANGLE} -j MARK --set-xmark 1/2`, { mark: 0xff }, (s) => s.mark, 0xfc],
  [`${MANGLE} -j MARK --and-mark 0x80000000`, { mark: 0xffffffff }, (s) => s.mark, 0x80000000],
  [`${MANGLE} -j MARK --or-mark 0x80000000`, { mark: 1 }, (s) => s.mark, 0x80000001],
  [`${MANGLE} -j MARK --xor-mark 0xf`, { mark: 0x3c }, (s) => s.mark, 0x33],
  [`${MANGLE} -j CONNMARK --set-mark 5/0xf`, { ctmark: 0xff }, (s) => s.ct?.mark, 0xf5],
  [`${MANGLE} -j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0`, { mark: 0x35, ctmark: 0xff }, (s) => s.ct?.mark, 0x0f ^ 0x05],
  [`${MANGLE} -j CONNMARK --restore-mark --mask 0xf`, { mark: 0x35, ctmark: 0xfa }, (s) => s.mark, 0x3a],
  [`${MANGLE} -j CONNMARK --restore-mark --left-shift-mark 4`, { ctmark: 0xf }, (s) => s.mark, 0xf0],
  [`${MANGLE} -j CONNMARK --save-mark --right-shift-mark 4`, { mark: 0x80000000, ctmark: 0 }, (s) => s.ct?.mark, 0x08000000],
  [`${MANGLE} -j CONNMARK --restore-mark`, { mark: 7 }, (s) => s.mark, 7],
  [`${MANGLE} -j TOS --set-tos 0x10/0x3f`, { tos: 0xff }, (s) => s.tos, 0xd0],
  [`${MANGLE} -j DSCP --set-dscp-class EF`, { tos: 3 }, (s) => s.tos, 0xbb],
  [`${MANGLE} -j TTL --ttl-inc 250`, { ttl: 64 }, (s) => s.ttl, 255],
  [`${MANGLE} -j TTL --ttl-dec 250`, { ttl: 64 }, (s) => s.ttl, 0],
  [`${MANGLE} -j HL --hl-set 3`, { src: '2001:db8::1', dst: '2001:db8::2' }, (s) => s.ttl, 3],
  [`${MANGLE} -j DSCP --set-dscp 1`, { src: '2001:db8::1', dst: '2001:db8::2', tos: 2 }, (s) => s.tos, 6],
  [`${MANGLE} -j CLASSIFY --set-class 1:7`, {}, (s) => s.priority, 0x10007],
  ['-t raw -A PREROUTING -j TRACE', {}, (s) => s.nfTrace, true],
  [`${MANGLE} -p tcp -j ECN --ecn-tcp-remove`, { flags: 0xc2 }, (s) => s.u8(33), 0x02],
  [`${MANGLE} -j ECN --ecn-ip-ect 2`, { tos: 1 }, (s) => s.tos, 2],
  [`${MANGLE} -p tcp -j TCPOPTSTRIP --strip-options mss`, { options: [2, 4, 5, 0xb4] }, (s) => s.u32(40), 0x01010101],
  [`${MANGLE} -p tcp --syn -j TCPMSS --set-mss 1000`, { options: [2, 4, 5, 0xb4] }, (s) => s.u16(42), 1000],
  [`${MANGLE} -p tcp --syn -j TCPMSS --set-mss 1500`, { options: [2, 4, 5, 0xb4] }, (s) => s.u16(42), 1460],
  // The route back to the source has the smaller MTU, 1300.
  [`${MANGLE} -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu`, { options: [2, 4, 5, 0xb4] }, (s) => s.u16(42), 1260],
  [`${MANGLE} -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu`, { options: [2, 4, 5, 0xb4], mtu: 1000 }, (s) => s.u16(42), 960],
  [`${MANGLE} -p tcp --syn -j TCPMSS --set-mss 1000`, {}, (s) => [s.totLen, s.u16(40), s.u16(42), s.u8(32) >> 4], [44, 0x0204, 536, 6]],
  [`${MANGLE} -p tcp --syn -j TCPMSS --set-mss 1000`, { payload: 4 }, (s) => s.totLen, 44],
];

const checksumsHold = (s: Skb): boolean => {
  const v6 = s.family === 'ipv6';
  const l4 = pseudoSum(s.data.subarray(v6 ? 8 : 12, v6 ? 24 : 16), s.data.subarray(v6 ? 24 : 16, v6 ? 40 : 20), s.l4proto, s.data.length - s.thoff);
  return (v6 || foldChecksum(sum16(s.data, 0, 20)) === 0) && foldChecksum(sum16(s.data, s.thoff, s.data.length, l4)) === 0;
};

describe('fields written', () => {
  test.each(writes)('%s', (rule, spec, field, after) => {
    const w = world();
    const skb = packet(spec);
    const before = field(skb);
    expect(runTarget(rule, skb, w)).toBe('CONTINUE');
    expect(field(skb)).toEqual(after);
    expect(checksumsHold(skb)).toBe(true);
    // Every change is told, and nothing else.
    const changed = JSON.stringify(before) !== JSON.stringify(after) && !rule.endsWith('TRACE');
    expect(w.events.filter((e) => e.t === 'mangle').length).toBe(changed ? 1 : 0);
  });
});

const NAT_OUT = '-t nat -A POSTROUTING';
const NAT_IN = '-t nat -A PREROUTING';
/** rule, packet, verdict, what the world was asked. */
const asks: readonly (readonly [string, PacketSpec, string, readonly string[]])[] = [
  [`${NAT_OUT} -p tcp -j SNAT --to-source 1.1.1.1:5-6`, {}, 'ACCEPT', [`SNAT ${addr('1.1.1.1')} 5 6`]],
  [`${NAT_IN} -j DNAT --to-destination 1.1.1.1`, {}, 'ACCEPT', [`DNAT ${addr('1.1.1.1')} - -`]],
  [`${NAT_OUT} -j MASQUERADE`, {}, 'ACCEPT', [`SNAT ${addr('9.9.9.9')} - -`]],
  [`${NAT_OUT} -j MASQUERADE`, { src: '0.0.0.0', ctmark: 0 }, 'ACCEPT', []],
  [`${NAT_IN} -p tcp -j REDIRECT --to-ports 8080`, {}, 'ACCEPT', [`DNAT ${addr('10.0.0.1')} 8080 8080`]],
  ['-t nat -A OUTPUT -j REDIRECT', {}, 'ACCEPT', [`DNAT ${addr('127.0.0.1')} - -`]],
  [`${NAT_IN} -j NETMAP --to 192.168.0.0/16`, {}, 'ACCEPT', [`DNAT ${addr('192.168.0.2')} - -`]],
  [`${NAT_OUT} -j NETMAP --to 192.168.4.0/24`, { src: '10.0.3.77' }, 'ACCEPT', [`SNAT ${addr('192.168.4.77')} - -`]],
  ['-t raw -A PREROUTING -j CT --notrack', {}, 'CONTINUE', ['untrack']],
  ['-t raw -A PREROUTING -j NOTRACK', {}, 'CONTINUE', ['untrack']],
  ['-t raw -A PREROUTING -j CT --zone 5', {}, 'CONTINUE', ['template 5']],
  ['-t raw -A PREROUTING -j CT --zone 5', { ctmark: 1 }, 'CONTINUE', []],
  ['-A FORWARD -j SET --add-set a src,dst --exist --timeout 9', {}, 'CONTINUE', ['add a true,false 9 true']],
  ['-A FORWARD -j SET --del-set a dst', {}, 'CONTINUE', ['del a false']],
  ['-A FORWARD -j TEE --gateway 1.2.3.4 --oif e', {}, 'CONTINUE', [`tee ${addr('1.2.3.4')} e`]],
  ['-A FORWARD -j REJECT', {}, 'DROP', ['icmp 3 3']],
  ['-A FORWARD -j REJECT --reject-with icmp-admin-prohibited', { proto: 'udp' }, 'DROP', ['icmp 3 13']],
  ['-A FORWARD -j REJECT', { fragOffset: 8 }, 'DROP', []],
  ['-A FORWARD -p tcp -j REJECT --reject-with tcp-reset', {}, 'DROP', ['reset']],
  ['-A FORWARD -p tcp -j REJECT --reject-with tcp-reset', { flags: TCP_FLAG.RST }, 'DROP', []],
  ['-A FORWARD -j REJECT', { src: '2001:db8::1', dst: '2001:db8::2' }, 'DROP', ['icmp 1 4']],
  ['-A FORWARD -p tcp -j REJECT --reject-with tcp-reset', { src: '2001:db8::1', dst: 'ff02::1' }, 'DROP', []],
];

describe('what the world is asked', () => {
  test.each(asks)('%s %j', (rule, spec, verdict, calls) => {
    const w = world();
    expect(runTarget(rule, packet(spec), w)).toBe(verdict);
    expect(w.calls).toEqual(calls);
  });

  test('REJECT does not answer a wrong checksum', () => {
    const w = world();
    const skb = packet({});
    skb.csum = 'unchecked';
    skb.setU16(36, skb.u16(36) ^ 1);
    expect(runTarget('-A FORWARD -j REJECT', skb, w)).toBe('DROP');
    expect(w.calls).toEqual([]);
  });

  test('TPROXY asks for an established socket, then for a listener, and drops without a transparent one', () => {
    const rule = '-t mangle -A PREROUTING -p tcp -j TPROXY --on-port 0 --tproxy-mark 0x1/0xf';
    for (const [socket, verdict, mark] of [
      [null, 'DROP', 0x30],
      [{ transparent: false }, 'DROP', 0x30],
      [{ transparent: true }, 'ACCEPT', 0x31],
    ] as const) {
      const w = world();
      w.socket = socket;
      const skb = packet({ mark: 0x30 });
      expect(runTarget(rule, skb, w)).toBe(verdict);
      expect(skb.mark).toBe(mark);
      expect(w.calls).toEqual([`socket established 6 1000 ${skb.daddr} 80`, `socket listener 6 1000 ${addr('10.0.0.1')} 80`]);
    }
  });

  test('SET --map-set copies mark and priority', () => {
    const w = world();
    const skb = packet({ mark: 0xff });
    runTarget('-t mangle -A FORWARD -j SET --map-set a src --map-mark --map-prio', skb, w);
    expect([skb.mark, skb.priority]).toEqual([0xf5, 9]);
  });

  test('LOG and NFLOG tell', () => {
    const w = world();
    runTarget('-A FORWARD -j LOG --log-prefix x --log-level 6 --log-uid', packet({}), w);
    runTarget('-A FORWARD -j NFLOG --nflog-prefix y', packet({}), w);
    expect(w.events.map((e) => (e.t === 'log' ? [e.prefix, e.level, e.options, e.in, e.out] : e.t))).toEqual([
      ['x', 6, 8, 'eth0', 'eth1'],
      ['y', -1, 0, 'eth0', 'eth1'],
    ]);
  });

  test('a target that is not evaluated is inconclusive', () => {
    expect(() => runTarget('-A FORWARD -p tcp -j SYNPROXY', packet({}), world())).toThrow('inconclusive: -j SYNPROXY');
  });

  test('NFQUEUE: both ways of a flow have one queue of those given', () => {
    const w = world();
    const flows = Array.from({ length: 40 }, (_, i) => [`10.0.0.${i}`, '10.9.9.9', '2001:db8::1', `2001:db8::${i + 2}`]);
    const queues = flows.flatMap(([a, b, c, d]) => [
      [
        runTarget('-A FORWARD -j NFQUEUE --queue-balance 4:6', packet({ src: a, dst: b }), w),
        runTarget('-A FORWARD -j NFQUEUE --queue-balance 4:6', packet({ src: b, dst: a }), w),
      ],
      [
        runTarget('-A FORWARD -j NFQUEUE --queue-balance 4:6', packet({ src: c, dst: d }), w),
        runTarget('-A FORWARD -j NFQUEUE --queue-balance 4:6', packet({ src: d, dst: c }), w),
      ],
    ]);
    for (const [there, back] of queues) expect(back).toEqual(there);
    expect(new Set(queues.map(([q]) => (typeof q === 'string' ? q : q.queue)))).toEqual(new Set([4, 5, 6]));
    expect(runTarget('-A FORWARD -j NFQUEUE --queue-num 7 --queue-bypass', packet({}), w)).toEqual({ queue: 7, bypass: true });
  });
});
