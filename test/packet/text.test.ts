import { describe, expect, it } from 'vitest';
import { foldChecksum, sum16 } from '../../src/packet/checksum.js';
import { Skb } from '../../src/packet/skb.js';
import { formatPacket, parsePacketText } from '../../src/packet/text.js';

const place = { file: 'x', line: 3, column: 5 };
const bytes = (text: string): Uint8Array => {
  const p = parsePacketText(text, place);
  if (p.value === null) throw new Error(p.diagnostics[0].message);
  return p.value;
};
const skb = (text: string): Skb => {
  const b = bytes(text);
  return new Skb(1, { kind: 'sent', of: null }, b, b[0] >>> 4 === 6 ? 0x86dd : 0x0800);
};

const same = [
  'icmp 10.22.46.41 > 10.234.102.161 type 8 code 0',
  'tcp 10.0.0.1:4000 > 10.0.0.2:80 ttl 3 tos 16 id 7 df syn',
  'tcp 10.0.0.1:4000 > 10.0.0.2:80 syn ack seq 1 acknum 2 win 100 mss 1400',
  'udp [2001:db8::1]:53 > [2001:db8::2]:99 ttl 1 hex 6869',
  'icmp6 fe80::1 > ff02::1 ext hop 050200000000 type 128 code 0 echo-id 1 echo-seq 2',
  'gre 10.0.0.1 > 10.0.0.2 hex 0000',
  'tcp 10.0.0.1 > 10.0.0.2 raw hex 00500050',
  'proto 200 10.0.0.1 > 10.0.0.2',
  'udp 10.0.0.1 > 10.0.0.2 frag 1480 mf hex 00',
  'udp 2001:db8::1 > 2001:db8::2 id 5 frag 1232 hex 0011',
  'sctp 10.0.0.1:1 > 10.0.0.2:2 vtag 9 hex 01000004',
];

describe('packet text', () => {
  it.each(same)('%s', (text) => {
    expect(formatPacket(bytes(text))).toBe(text);
  });

  it('fills lengths and checksums in', () => {
    const s = skb('tcp 10.0.0.1:4000 > 10.0.0.2:80 len 100 data "x y"');
    expect([s.totLen, s.data.length, s.sport, s.dport, String.fromCharCode(...s.data.subarray(40, 43))]).toEqual([100, 100, 4000, 80, 'x y']);
    expect(foldChecksum(sum16(s.data, 0, 20))).toBe(0);
    const before = s.u16(36);
    s.daddr = 0x0a000003;
    expect(s.u16(36)).not.toBe(before);
  });

  it.each([
    ['', 5, 'a protocol expected'],
    ['foo 1.1.1.1 > 2.2.2.2', 5, 'unknown protocol: foo'],
    ['udp 1.1.1 > 2.2.2.2', 9, 'not an address or address and port: 1.1.1'],
    ['udp 1.1.1.1 - 2.2.2.2', 17, '">" expected instead of -'],
    ['udp 1.1.1.1 > ::1', 19, 'source and destination are of different families'],
    ['udp 1.1.1.1 > 2.2.2.2 ttl 256', 31, 'not a number from 0 to 255: 256'],
    ['udp 1.1.1.1 > 2.2.2.2 hex 0', 31, 'not hex: 0'],
    ['udp 1.1.1.1 > 2.2.2.2 wat', 27, 'unknown word: wat'],
    ['udp 1.1.1.1 > 2.2.2.2 ttl', 30, 'a number behind ttl expected'],
    ['udp 1.1.1.1 > 2.2.2.2 len 5', 9, 'it is 28 bytes without padding, more than len 5'],
  ])('refuses %s', (text, column, message) => {
    const p = parsePacketText(text, place);
    expect(p.value).toBeNull();
    expect(p.diagnostics).toMatchObject([{ code: 'packet-text', message, span: { line: 3, column } }]);
  });
});
