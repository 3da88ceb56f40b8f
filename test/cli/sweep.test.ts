/** The cells of a sweep are runs like any other, handed on in order and within bounds. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskFiles } from '../../src/cli/files.js';
import { cellRunner, destinationsOf, type Sweep, servicesOf, sourcesOf, sweepSize } from '../../src/cli/sweep-cells.js';
import { type Range, rangeRunner } from '../../src/cli/sweep-range.js';
import { SweepSummary } from '../../src/cli/sweep-report.js';
import { runRanges } from '../../src/cli/sweep-schedule.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/model.js';
import { runScenario } from '../../src/stack/run-scenario.js';
import { applyAll } from '../../src/tools/apply.js';
import { execute, parseDo } from '../../src/tools/execute.js';
import { fateText } from '../../src/tools/what-if.js';

const library = join(import.meta.dirname, '../../scenarios');

function load(name: string): Scenario {
  const { value } = loadScenario(join(library, `${name}.yaml`), diskFiles);
  if (!value) throw new Error(name);
  return value;
}

describe('a cell', () => {
  it.each([
    ['rp-filter/loose-on-one-interface', ['node: sysctl -w net.ipv4.conf.ovn-k8s-mp0.rp_filter=2', 'ovn: iptables -I FORWARD -p tcp -j DROP']],
    ['fabedge-edge-to-node', ['node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=0', 'node1: ip route del default', 'edge1: iptables -t nat -F']],
  ])('of %s is what sim run says, also after other cells', (name, commands) => {
    const s = load(name);
    const variants = [{ name: 'as it is', commands: [] }, ...commands.map((c) => ({ name: c, commands: parseDo(s, [c], null).value }))];
    const sweep: Sweep = {
      from: sourcesOf(s, ['all']).slice(0, 2),
      to: destinationsOf(s, ['all']).slice(0, 2),
      services: servicesOf(['tcp', 'icmp'], ['22']),
      variants,
    };
    const run = cellRunner(s, sweep);
    const size = sweepSize(sweep);
    const rows = Array.from({ length: size }, (_, i) => run(i));
    expect(Array.from({ length: size }, (_, i) => run(size - 1 - i)).reverse()).toEqual(rows);
    for (const r of rows) {
      const common = { to: sweep.to.find((t) => t.name === r.to)!.addr, src: null, dev: null, ttl: null, tos: 0, mark: 0, uid: 0 };
      const spec =
        r.proto === 'icmp'
          ? { kind: 'ping' as const, id: null, seq: 1, size: 56, df: true, ...common }
          : { kind: 'tcp' as const, dport: r.port, sport: null, send: [], close: false, ...common };
      const span = { file: '', line: 1, column: 1, length: 0 };
      const packet = { name: 'alone', description: '', do: [], count: 1, source: { kind: 'local' as const, node: r.from }, spec, span };
      const changes = variants.find((v) => v.name === r.variant)?.commands ?? [];
      const { outcome } = runScenario({ ...s, do: [...s.do, ...changes], packets: [packet] }, { execute, apply: applyAll }).packets[0];
      expect([r.request, r.reply, r.connection]).toEqual([fateText(outcome.request), outcome.reply && fateText(outcome.reply), outcome.connection]);
    }
    expect(new Set(rows.map((r) => `${r.request} ${r.reply}`)).size).toBeGreaterThan(1);
  });
});

it.each(['icmp', 'tcp'])('parts of a sweep of %s, put together, are its summary', (proto) => {
  const s = load('fabedge-edge-to-node');
  const commands = parseDo(s, ['node1: iptables -I INPUT -j DROP'], null).value;
  const all = { from: sourcesOf(s, ['all']), to: destinationsOf(s, ['all']), services: servicesOf([proto], proto === 'tcp' ? ['22'] : []) };
  const sweep: Sweep = {
    ...all,
    variants: [
      { name: 'as it is', commands: [] },
      { name: 'closed', commands },
    ],
  };
  const size = sweepSize(sweep);
  const whole = new SweepSummary(sweep);
  const parts = new SweepSummary(sweep);
  const cell = cellRunner(s, sweep);
  for (let i = 0; i < size; i++) whole.add(cell(i));
  const run = rangeRunner(s, sweep, false);
  for (let first = 0; first < size; first += 6) {
    const r = run({ first, end: Math.min(size, first + 6) });
    if (!(r instanceof Uint8Array)) parts.merge(structuredClone(r));
  }
  expect(parts.text()).toBe(whole.text());
  expect(whole.text()).toMatch(/[1-9]\d* of them with another fate/);
});

describe('ranges', () => {
  const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it('are handed on in order, and no thread runs far ahead of a slow one or of a slow reader', async () => {
    const [SIZE, JOBS] = [400000, 3];
    let handed = 0;
    let ahead = 0;
    let asked = 0;
    const result = async (first: number, range: Range): Promise<void> => {
      expect([first, range.first, range.end % 7]).toEqual([handed, handed, range.end === SIZE ? SIZE % 7 : 0]);
      handed = range.end;
      await later(1);
    };
    const run = async (r: Range) => {
      ahead = Math.max(ahead, r.end - handed);
      await later(asked++ % 10 === 0 ? 30 : 0);
      return r.first;
    };
    await runRanges({ size: SIZE, jobs: JOBS, together: 7, run, result, stopped: () => false });
    expect(handed).toBe(SIZE);
    expect(ahead).toBeLessThan(SIZE / 6);
  });

  it('what is out is waited for where it is stopped', async () => {
    let [out, handed, stop] = [0, 0, false];
    const run = async (): Promise<void> => {
      out++;
      await later(5);
      stop ||= handed > 0;
    };
    await runRanges({ size: 5000, jobs: 2, together: 1, run, result: () => void handed++, stopped: () => stop });
    expect([handed, handed > 0 && handed < 20]).toEqual([out, true]);
  });

  it('one that fails ends it, and no more are handed out', async () => {
    let ranges = 0;
    const run = async (): Promise<void> => {
      if (++ranges === 4) throw new Error('no such node');
      await later(1);
    };
    await expect(runRanges({ size: 5000, jobs: 2, together: 1, run, result: () => {}, stopped: () => false })).rejects.toThrow('no such node');
    const then = ranges;
    await later(10);
    expect(ranges).toBe(then);
  });
});
