/** IPv6 text by hand and by ip-num. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { formatIp6, parseIp6 } from '../../src/base/addr.js';
import { numberOfIPv6 } from '../../src/base/ip-num.js';

const number = (text: string): bigint | null => {
  const a = parseIp6(text);
  return a === null ? null : [...Array(8).keys()].reduce((n, i) => (n << 16n) | BigInt(a.charCodeAt(i)), 0n);
};

describe('parseIp6', () => {
  it('reads what it wrote', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
    fc.assert(fc.property(groups, (g) => parseIp6(formatIp6(String.fromCharCode(...g))) === String.fromCharCode(...g)));
  });

  it('reads any text of groups and colons as ip-num does', () => {
    const text = fc.array(fc.constantFrom(':', ':', '::', '0', '1', 'fe80', 'ABCD', '12345', ''), { minLength: 1, maxLength: 17 }).map((p) => p.join(''));
    const whole = fc
      .tuple(fc.nat(8), fc.nat(8), fc.boolean())
      .map(([a, b, gap]) => `${Array(a).fill('a').join(':')}${gap ? '::' : ':'}${Array(b).fill('b').join(':')}`);
    fc.assert(
      fc.property(fc.oneof(text, whole), (t) => number(t) === (t.length >= 2 && t.includes(':') ? numberOfIPv6(t) : null)),
      { numRuns: 2000 },
    );
  });
});
