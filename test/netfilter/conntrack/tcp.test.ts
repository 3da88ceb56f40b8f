import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEGMENT } from '../../../src/netfilter/conntrack/tcp-states.js';
import { inWindow, newSide, Opening, readSegment, type Segment, sideOf } from '../../../src/netfilter/conntrack/tcp-window.js';
import { Lab, tcp } from './harness.js';

/** direction, flags, seq, ack, payload bytes -> ctstate, state of the entry afterwards (`!` = ASSURED, `-` = no entry). */
type Step = readonly ['>' | '<', string, number, number, number, string, string];
const A = ['10.0.0.1', 1000] as const;
const B = ['10.0.0.2', 80] as const;

const open: Step[] = [
  ['>', 'S', 100, 0, 0, 'NEW', 'SYN_SENT'],
  ['<', 'SA', 500, 101, 0, 'ESTABLISHED', 'SYN_RECV'],
  ['>', 'A', 101, 501, 0, 'ESTABLISHED', 'ESTABLISHED!'],
];
const cases: [string, Step[], Record<string, number>?][] = [
  [
    'handshake, data, close from the client',
    [
      ...open,
      ['>', 'PA', 101, 501, 10, 'ESTABLISHED', 'ESTABLISHED!'],
      ['<', 'A', 501, 111, 0, 'ESTABLISHED', 'ESTABLISHED!'],
      ['>', 'FA', 111, 501, 0, 'ESTABLISHED', 'FIN_WAIT!'],
      ['<', 'A', 501, 112, 0, 'ESTABLISHED', 'CLOSE_WAIT!'],
      ['<', 'FA', 501, 112, 0, 'ESTABLISHED', 'LAST_ACK!'],
      ['>', 'A', 112, 502, 0, 'ESTABLISHED', 'TIME_WAIT!'],
      ['>', 'S', 9000, 0, 0, 'NEW', 'SYN_SENT'],
    ],
  ],
  [
    'first packets that start nothing',
    [
      ['>', 'SA', 1, 1, 0, 'INVALID', '-'],
      ['>', 'FA', 1, 1, 0, 'INVALID', '-'],
      ['>', 'R', 1, 0, 0, 'INVALID', '-'],
      ['>', 'SF', 1, 0, 0, 'INVALID', '-'],
      ['>', '', 1, 0, 0, 'INVALID', '-'],
      ['>', 'F', 1, 0, 0, 'INVALID', '-'],
    ],
  ],
  [
    'picked up in the middle',
    [
      ['>', 'A', 100, 500, 0, 'NEW', 'ESTABLISHED'],
      ['<', 'A', 500, 100, 0, 'ESTABLISHED', 'ESTABLISHED'],
      ['>', 'A', 100, 500, 0, 'ESTABLISHED', 'ESTABLISHED!'],
    ],
  ],
  ['not picked up without tcp_loose', [['>', 'A', 100, 500, 0, 'INVALID', '-']], { 'net/netfilter/nf_conntrack_tcp_loose': 0 }],
  [
    'refused connection leaves a closed entry',
    [
      ['>', 'S', 100, 0, 0, 'NEW', 'SYN_SENT'],
      ['<', 'RA', 0, 101, 0, 'ESTABLISHED', '-'],
    ],
  ],
  [
    'a reset must be exact',
    [
      ...open,
      ['<', 'R', 600, 0, 0, 'ESTABLISHED', 'ESTABLISHED!'],
      ['<', 'R', 400, 0, 0, 'INVALID', 'ESTABLISHED!'],
      ['<', 'R', 501, 0, 0, 'ESTABLISHED', 'CLOSE!'],
    ],
  ],
  ['out of the window', [...open, ['>', 'A', 900000, 501, 5, 'INVALID', 'ESTABLISHED!'], ['>', 'A', 101, 900000, 5, 'INVALID', 'ESTABLISHED!']]],
  ['be_liberal', [...open, ['>', 'A', 900000, 501, 5, 'ESTABLISHED', 'ESTABLISHED!']], { 'net/netfilter/nf_conntrack_tcp_be_liberal': 1 }],
  [
    'simultaneous open',
    [
      ['>', 'S', 100, 0, 0, 'NEW', 'SYN_SENT'],
      ['<', 'S', 500, 0, 0, 'ESTABLISHED', 'SYN_SENT2'],
      ['>', 'SA', 100, 501, 0, 'ESTABLISHED', 'SYN_RECV'],
      ['<', 'A', 501, 101, 0, 'ESTABLISHED', 'ESTABLISHED!'],
    ],
  ],
];

describe('TCP tracking', () => {
  it.each(cases)('%s', (_name, steps, sysctls) => {
    const lab = new Lab();
    for (const [k, v] of Object.entries(sysctls ?? {})) lab.sysctls.set(k, v);
    for (const [i, [dir, flags, seq, ack, data, state, entry]] of steps.entries()) {
      const frame = dir === '>' ? tcp(...A, ...B, flags, seq, ack, data) : tcp(...B, ...A, flags, seq, ack, data);
      expect([i, lab.forward(lab.skb(frame)), lab.tcpState()]).toEqual([i, state, entry]);
    }
  });

  it('forgets after the time-out', () => {
    const lab = new Lab();
    lab.forward(lab.skb(tcp(...A, ...B, 'S', 1)));
    lab.time = 119_999;
    expect(lab.tcpState()).toBe('SYN_SENT');
    lab.time = 120_000;
    expect(lab.tcpState()).toBe('-');
  });
});

it('an opening SYN passes the window check, which leaves of the other side what is made of it later', () => {
  const seq = fc.integer({ min: 0, max: 0xffffffff });
  const win = fc.oneof(fc.constantFrom(0, 1, 65535), fc.integer({ min: 0, max: 65535 }));
  const options = fc.constantFrom([], [2, 4, 5, 180], [3, 3, 7, 1], [4, 2, 3, 3, 14, 1, 1, 1], [3, 3, 200, 0]);
  fc.assert(
    fc.property(seq, win, options, fc.nat(1400), fc.boolean(), (n, w, o, length, liberal) => {
      const header = 20 + o.length;
      const d = new Uint8Array(header + length);
      d.set([n >>> 24, n >>> 16, n >>> 8, n], 4);
      d.set([(header / 4) << 4, 0x02, w >>> 8, w], 12);
      d.set(o, 20);
      const s = readSegment(d, 0) as Segment;
      const [opened, checked] = [new Opening(s).track(), new Opening(s).track()];
      checked.reply = newSide();
      expect(inWindow(checked, 0, SEGMENT.SYN, s, liberal)).toBe('accept');
      expect(sideOf(opened, 1)).toEqual(checked.reply);
      expect(opened).toEqual(checked);
    }),
    { seed: 11 },
  );
});
