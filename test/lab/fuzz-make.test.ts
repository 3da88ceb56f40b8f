/** Random cases are a pure function of seed, number and kind: a finding can be made again by its name, also by a later version. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DEVICES } from '../../src/lab/fuzz/devices.js';
import { makeCase } from '../../src/lab/fuzz/make.js';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const digest = (cases: readonly unknown[]): string =>
  createHash('sha1')
    .update(cases.map((c) => JSON.stringify(c)).join('\n'))
    .digest('hex');

describe('random cases', () => {
  it('of wires alone are what they were when seed 80 was recorded', () => {
    expect(digest(range(60).map((i) => makeCase(80, i)))).toBe('4b44132b54dfba8c79c01329961a5c3d51068ff3');
  });

  it.each(DEVICES)('--devices %s: the same twice, and frames come in by wires that are there', (devices) => {
    for (const i of range(60)) {
      const c = makeCase(1, i, 'legacy', devices);
      expect(makeCase(1, i, 'legacy', devices)).toEqual(c);
      const live = new Set(c.links.filter((l) => l.up).map((l) => l.name));
      for (const s of c.steps) if (s.kind === 'inject') expect(live).toContain(s.dev);
    }
  });

  it('--family 6: the same twice, and every packet is of IPv6 but the damaged', () => {
    for (const i of range(60)) {
      const c = makeCase(1, i, 'legacy', 'wires', 'ipv6');
      expect(makeCase(1, i, 'legacy', 'wires', 'ipv6')).toEqual(c);
      expect([c.family, c.id]).toEqual(['ipv6', `fuzz6-1-${i}`]);
      for (const s of c.steps) if (s.kind === 'inject') expect(s.frame.slice(24, 28)).toMatch(/86dd|0800/);
    }
  });

  it('--devices bridge and vxlan: the devices are made', () => {
    for (const i of range(60)) {
      expect(makeCase(1, i, 'legacy', 'bridge').devices?.filter((l) => /^link add .* type bridge/.test(l)).length).toBeGreaterThan(0);
      expect(makeCase(1, i, 'legacy', 'vxlan').devices?.filter((l) => /^link add .* type vxlan/.test(l)).length).toBeGreaterThan(0);
    }
  });
});
