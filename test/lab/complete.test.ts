/** Checksums that a sender left to its device. */
import { describe, expect, it } from 'vitest';
import { parseIp4 } from '../../src/base/addr.js';
import { completeChecksums } from '../../src/lab/complete.js';
import { buildIp4, buildTcp, buildUdp } from '../../src/packet/build.js';
import { foldChecksum, sum16 } from '../../src/packet/checksum.js';

const A = parseIp4('10.0.0.1') as number;
const B = parseIp4('10.0.0.2') as number;
const ETH = 14;

function ether(ip: Uint8Array): Uint8Array {
  const f = new Uint8Array(ETH + ip.length);
  f.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
  f.set(ip, ETH);
  return f;
}

/** As the kernel leaves it: the checksum field holds the sum of the pseudo header. */
function partial(frame: Uint8Array, proto: number, at: number): Uint8Array {
  const f = frame.slice();
  const length = f.length - ETH - 20;
  const pseudo = ~foldChecksum(sum16(f, ETH + 12, ETH + 20, proto + length)) & 0xffff;
  f[at] = pseudo >>> 8;
  f[at + 1] = pseudo & 255;
  return f;
}

const tcp = ether(
  buildIp4({ src: A, dst: B, proto: 6, payload: buildTcp({ sport: 1, dport: 2, seq: 3, ack: 4, flags: 16, window: 5, payload: Uint8Array.of(6) }, A, B) }),
);
const udp = ether(buildIp4({ src: A, dst: B, proto: 17, payload: buildUdp({ sport: 1, dport: 2, payload: Uint8Array.of(7, 8, 9) }, A, B) }));

describe('completeChecksums', () => {
  it.each([
    ['TCP', tcp, 6, ETH + 20 + 16],
    ['UDP', udp, 17, ETH + 20 + 6],
  ] as const)('%s: what was left is filled in', (_name, whole, proto, at) => {
    const left = partial(whole, proto, at);
    expect(left).not.toEqual(whole);
    expect(completeChecksums(left)).toEqual(whole);
  });
  it('a whole one stays, and so does a wrong one', () => {
    expect(completeChecksums(tcp)).toEqual(tcp);
    const wrong = tcp.slice();
    wrong[ETH + 20 + 16] ^= 1;
    expect(completeChecksums(wrong)).toEqual(wrong);
  });
  it('inside VXLAN', () => {
    const inner = (f: Uint8Array): Uint8Array => Uint8Array.of(8, 0, 0, 0, 0, 0, 1, 0, ...f);
    const outer = (f: Uint8Array): Uint8Array =>
      ether(buildIp4({ src: A, dst: B, proto: 17, payload: buildUdp({ sport: 50000, dport: 4789, payload: inner(f) }, A, B) }));
    const left = outer(partial(tcp, 6, ETH + 20 + 16));
    expect(completeChecksums(left).slice(-tcp.length)).toEqual(tcp);
  });
});
