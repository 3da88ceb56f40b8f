/** How much of an extension header ipv6_find_hdr() wants to see. */
import { expect, it } from 'vitest';
import { findTransport } from '../../src/packet/ip6.js';

/** An IPv6 header with `next`, and `rest` behind it. */
const packet = (next: number, ...rest: number[]): Uint8Array => {
  const d = new Uint8Array(40 + rest.length);
  d[6] = next;
  d.set(rest, 40);
  return d;
};

it.each([
  ['UDP', packet(17), 17, 40],
  ['an option header of one byte', packet(0, 17), 0, -1],
  ['of its two first bytes', packet(0, 17, 0), 17, 48],
  ['AH of its two first bytes', packet(51, 6, 4), 6, 64],
  ['AH whole', packet(51, 6, 4, ...new Array(22).fill(0)), 6, 64],
  ['a fragment header of three bytes', packet(44, 17, 0, 0), 44, -1],
  ['up to its offset', packet(44, 17, 0, 0, 0), 17, 48],
  ['a later fragment', packet(44, 17, 0, 0, 8), 17, 48],
  ['no next header', packet(59), 59, -1],
])('%s', (_, data, proto, offset) => {
  expect(findTransport(data)).toMatchObject({ proto, offset });
});
