/** Scenarios on the kernel at hand. Needs Linux, root, the tools, and the event of dropped packets; says what it skips. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { corpusLines, parseCase } from '../../src/harness/conformance/corpus-read.js';
import { modelCase } from '../../src/harness/conformance/model-case.js';
import { runCase } from '../../src/harness/conformance/run.js';
import { missing } from '../../src/lab/requirements.js';

const lacks = missing(['bridge', 'ebtables-nft-restore']);
if (lacks.length > 0) console.warn(`SKIPPED: scenarios on the kernel at hand: ${lacks.join('; ')}`);
const scratch = mkdtempSync(join(tmpdir(), 'nfsim-verify-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const here = (file: string): string => new URL(file, import.meta.url).pathname;
const sim = (...args: string[]) => ['--import', import.meta.resolve('tsx'), new URL('../../src/cli/main.ts', import.meta.url).pathname, 'lab', ...args];
const namespacesOf = (pid: number): string[] =>
  execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .split('\n')
    .filter((l) => l.startsWith(`nfsim-${pid}-`));
/** A process that has ended may still have its row. */
const runs = (pid: string): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};
const instancesOf = (pid: number): string[] => readdirSync('/sys/kernel/tracing/instances').filter((n) => n.startsWith(`nfsim-${pid}-`));

describe.skipIf(lacks.length > 0)('sim lab', () => {
  it('record: a case for every node, which the model replays exactly without a kernel', async () => {
    const file = join(scratch, 'recorded.jsonl');
    const out = execFileSync(process.execPath, sim('record', here('two-families.yaml'), here('one-bridge.yaml'), '-o', file), { encoding: 'utf8' });
    expect(out).toMatch(/^two-families: two-families\.pc .* the model agrees$/m);
    expect(out).toMatch(/^one-bridge: .* the model agrees$/m);
    const cases = corpusLines(readFileSync(file, 'utf8')).map((l) => parseCase(l, file).value!);
    // The command in between begins another case of its node.
    expect(cases.map((c) => c.id).filter((id) => id.startsWith('two'))).toEqual([
      'two-families.pc',
      'two-families.gw',
      'two-families.gw-2',
      'two-families.srv',
    ]);
    for (const c of cases) {
      expect(c.steps.length).toBeGreaterThan(0);
      expect(runCase(c, modelCase).score).toMatchObject({ exact: true, firstDifference: null });
    }
    // What a record says is compared: a changed one is noticed.
    const first = cases.find((c) => c.steps.some((s) => s.observed.trace.length > 0))!;
    const spoilt = { ...first, steps: first.steps.map((s) => ({ ...s, observed: { ...s.observed, trace: s.observed.trace.slice(1) } })) };
    expect(runCase(spoilt, modelCase).score.traceExact).toBe(false);
  }, 90_000);

  it('interrupted in mid-lab: no namespace, no process, no tracefs instance, no changed setting', async () => {
    const setting = '/proc/sys/net/ipv4/route/redirect_load';
    const child = spawn(process.execPath, sim('verify', 'missing-reverse-direction', 'multi-wan'), { stdio: 'ignore' });
    const pid = child.pid as number;
    const ended = new Promise<number | null>((r) => child.on('exit', (code) => r(code)));
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline && instancesOf(pid).length === 0) await new Promise((r) => setTimeout(r, 20));
    expect(namespacesOf(pid).length).toBeGreaterThan(2);
    const inside = namespacesOf(pid).flatMap((n) =>
      execFileSync('ip', ['netns', 'pids', n.split(' ')[0]], { encoding: 'utf8' })
        .split('\n')
        .filter((p) => p !== ''),
    );
    expect(inside.length).toBeGreaterThan(0);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(namespacesOf(pid)).toEqual([]);
    expect(instancesOf(pid)).toEqual([]);
    await new Promise((r) => setTimeout(r, 300));
    expect(inside.filter(runs)).toEqual([]);
    expect(Number(readFileSync(setting, 'utf8'))).toBeLessThan(1000);
  }, 90_000);
});
