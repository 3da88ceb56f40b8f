/** Random cases are a pure function of seed, number and kind: a finding can be made again by its name, also by a later version. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytecode } from '../../src/lab/fuzz/bpf-programs.js';
import { DEVICES } from '../../src/lab/fuzz/devices.js';
import { makeCase } from '../../src/lab/fuzz/make.js';
import { Rng } from '../../src/lab/fuzz/rng.js';
import type { Backend } from '../../src/lab/node-state.js';
import { type Instruction, refused, unknownNeed } from '../../src/netfilter/cbpf.js';

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
      const c = makeCase(1, i, { devices });
      expect(makeCase(1, i, { devices })).toEqual(c);
      const live = new Set(c.links.filter((l) => l.up).map((l) => l.name));
      for (const s of c.steps) if (s.kind === 'inject') expect(live).toContain(s.dev);
    }
  });

  it('--family 6: the same twice, and every packet is of IPv6 but the damaged', () => {
    for (const i of range(60)) {
      const c = makeCase(1, i, { family: 'ipv6' });
      expect(makeCase(1, i, { family: 'ipv6' })).toEqual(c);
      expect([c.family, c.id]).toEqual(['ipv6', `fuzz6-1-${i}`]);
      for (const s of c.steps) if (s.kind === 'inject') expect(s.frame.slice(24, 28)).toMatch(/86dd|0800/);
    }
  });

  it.each(['ipv4', 'ipv6'] as const)('--rules cluster, %s: the same twice; every chain that a rule jumps to is there, every set that it names', (family) => {
    for (const i of range(10)) {
      const c = makeCase(1, i, { family, rules: 'cluster' });
      expect(makeCase(1, i, { family, rules: 'cluster' })).toEqual(c);
      const chains = new Set(c.chains.map((l) => `${l.table} ${l.name}`));
      const sets = new Set(c.sets.map((l) => /^create (\S+)/.exec(l)?.[1]));
      for (const l of c.rules) {
        const [, to] = /-[jg] ((?:KUBE|cali|DOCKER|FABEDGE)-\S+)/.exec(l.text) ?? [];
        if (to !== undefined) expect(chains).toContain(`${l.table} ${to}`);
        for (const [, set] of l.text.matchAll(/-set (\S+) (?:src|dst)/g)) expect(sets).toContain(set);
      }
      expect(c.rules.length).toBeGreaterThan(50);
    }
  });

  it.each(['ipv4', 'ipv6'] as const)('of %s: seeds from 180 on draw bpf, cluster, HMARK and queues as well, older ones do not', (family) => {
    const words = /-m (bpf|cluster)|-j (HMARK|NFQUEUE|QUEUE)/g;
    const drawn = (seed: number, backend: Backend): Set<string> =>
      new Set(range(120).flatMap((i) => makeCase(seed, i, { family, backend }).rules.flatMap((l) => [...l.text.matchAll(words)].map((m) => m[1] ?? m[2]))));
    expect(drawn(179, 'legacy').size).toBe(0);
    expect([...drawn(180, 'legacy')].sort()).toEqual(['HMARK', 'NFQUEUE', 'QUEUE', 'bpf', 'cluster']);
    // iptables-nft has no QUEUE.
    expect([...drawn(180, 'nft')].sort()).toEqual(['HMARK', 'NFQUEUE', 'bpf', 'cluster']);
  });

  it('every program of -m bpf is one that the kernel takes', () => {
    const r = new Rng(1);
    for (const i of range(2000)) {
      const [, text] = /^--bytecode "\d+,(.*)"$/.exec(bytecode(r, i % 2 === 0)) ?? [];
      const program = text.split(',').map((t) => t.split(' ').map(Number) as unknown as Instruction);
      expect([refused(program), unknownNeed(program)], text).toEqual([null, null]);
    }
  });

  it.each(['ipv4', 'ipv6', 'both'] as const)(
    '--rules nft, %s: the same twice, by nft; every chain that a rule jumps to is there, every set that it names',
    (family) => {
      for (const i of range(40)) {
        const c = makeCase(1, i, { family, rules: 'nft' });
        expect(makeCase(1, i, { family, rules: 'nft' })).toEqual(c);
        expect([c.backend, c.id]).toEqual(['nft', `fuzz${{ ipv4: '', ipv6: '6', both: '46' }[family]}-native-1-${i}`]);
        const there = new Set(c.nft?.flatMap((l) => /^add (?:chain|set|map) (\S+ \S+ \S+)/.exec(l)?.[1] ?? []));
        for (const l of c.nft ?? []) {
          const [, table] = /^add \S+ (\S+ \S+)/.exec(l) ?? [];
          for (const [, , name] of l.replace(/"[^"]*"/g, '').matchAll(/(jump |goto |@(?!nh|th|ll))([\w-]+)/g)) expect(there).toContain(`${table} ${name}`);
        }
      }
    },
  );

  it('--devices bridge and vxlan: the devices are made', () => {
    for (const i of range(60)) {
      expect(makeCase(1, i, { devices: 'bridge' }).devices?.filter((l) => /^link add .* type bridge/.test(l)).length).toBeGreaterThan(0);
      expect(makeCase(1, i, { devices: 'vxlan' }).devices?.filter((l) => /^link add .* type vxlan/.test(l)).length).toBeGreaterThan(0);
    }
  });
});
