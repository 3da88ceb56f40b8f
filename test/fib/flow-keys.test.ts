import { describe, expect, it } from 'vitest';
import { flowKeys } from '../../src/fib/index.js';
import { ETH_P_IP, Skb } from '../../src/packet/skb.js';

/** An IPv4 header, then eight bytes 01 02 … 08. */
function packet(proto: number, fragment = 0): Skb {
  const d = new Uint8Array(28);
  d.set([0x45, 0, 0, 28, 0, 1, fragment >> 8, fragment & 0xff, 64, proto]);
  for (let i = 0; i < 8; i++) d[20 + i] = i + 1;
  return new Skb(1, { kind: 'injected', of: null }, d, ETH_P_IP);
}

describe('flowKeys', () => {
  it.each([
    ['TCP', 6, 0x0102, 0x0304],
    ['SCTP', 132, 0x0102, 0x0304],
    ['ESP, whose SPI stands there', 50, 0x0102, 0x0304],
    ['AH, behind its first word', 51, 0x0506, 0x0708],
    ['ICMP, which has none', 1, 0, 0],
  ])('%s', (_name, proto, sport, dport) => expect(flowKeys(packet(proto))).toEqual({ proto, sport, dport }));

  it('a fragment has none, not even the first', () => expect(flowKeys(packet(17, 0x2000))).toEqual({ proto: 17, sport: 0, dport: 0 }));
});
