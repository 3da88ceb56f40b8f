/** The command line as it is built: what it loads to start (no times: modules, and whether the code cache was taken), and what it does with threads and signals. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** Says at the end, on standard error, what a run brought in. */
const WATCH = `
const vm = require('node:vm');
const before = new Set(process.moduleLoadList);
const scripts = [];
const Script = vm.Script;
vm.Script = class extends Script { constructor(...a) { super(...a); scripts.push(this); } };
process.on('exit', () => {
  const loaded = process.moduleLoadList.filter((m) => !before.has(m) && m.startsWith('NativeModule ')).map((m) => m.slice('NativeModule '.length));
  process.stderr.write(JSON.stringify({ loaded, rejected: scripts.some((s) => s.cachedDataRejected), zod: '__zod_globalRegistry' in globalThis }));
});`;

/** Modules of Node's that take long to load. */
const HEAVY = /^(stream|net|child_process|worker_threads|readline|fs\/promises|internal\/modules\/esm\/load|v8|zlib)$/;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sim-start-'));
  writeFileSync(join(dir, 'watch.cjs'), WATCH);
  mkdirSync(join(dir, 'bin'));
  copyFileSync(join(root, 'bin/sim.cjs'), join(dir, 'bin/sim.cjs'));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build-cli.mjs', dir], { cwd: root, stdio: 'pipe' });
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function watch(...args: string[]): { loaded: string[]; rejected: boolean; zod: boolean } {
  const said = execFileSync(
    'sh',
    ['-c', 'exec "$@" 2>&1 >/dev/null', 'sh', process.execPath, '-r', join(dir, 'watch.cjs'), join(dir, 'bin/sim.cjs'), ...args],
    {
      cwd: root,
    },
  );
  return JSON.parse(said.toString());
}
const scenario = 'scenarios/rp-filter/loose-on-one-interface.yaml';

describe('the built command line', () => {
  it.each([[['--help']], [['run', scenario]], [['run', scenario, '--format', 'summary']], [['what-if', scenario]]])('sim %j', (args) => {
    const { loaded, rejected, zod } = watch(...args);
    expect({ rejected, zod }).toEqual({ rejected: false, zod: false });
    expect(loaded.filter((m) => HEAVY.test(m))).toEqual([]);
  });

  it('a run with changes holds the optimizing compiler back, and brings in no more than that takes', () => {
    const { loaded, rejected, zod } = watch('run', scenario, '--do', 'node: sysctl -w net.ipv4.ip_forward=1');
    expect({ rejected, zod }).toEqual({ rejected: false, zod: false });
    expect(loaded.filter((m) => HEAVY.test(m) && !/^(v8|stream)$/.test(m))).toEqual([]);
  });

  it('zod is there for a file that does not fit', () => {
    const file = join(dir, 'wrong.yaml');
    writeFileSync(file, 'version: 1\nnodes: { a: { adress: 10.0.0.1/24 } }\n');
    expect(() => execFileSync(process.execPath, [join(dir, 'bin/sim.cjs'), 'run', file], { stdio: 'pipe' })).toThrow(/“adress” is not known here/);
  });
});

describe('sim sweep', () => {
  const matrix = ['sweep', scenario, '--from', 'client', '--to', 'all', '--port', '20-24', '--proto', 'tcp,udp'];
  const variants = ['--do', 'node: sysctl -w net.ipv4.conf.ovn-k8s-mp0.rp_filter=2', '--do', 'ovn: iptables -I FORWARD -p tcp -j DROP'];
  const sweep = (...args: string[]): string =>
    execFileSync(process.execPath, [join(dir, 'bin/sim.cjs'), ...matrix, ...variants, ...args], { cwd: root }).toString();

  it('answers the same with any number of threads', () => {
    const one = sweep('--json', '--jobs', '1');
    expect(one.split('\n')).toHaveLength(4 * 5 * 2 * 3 + 1);
    expect(sweep('--json', '--jobs', '3')).toBe(one);
    expect(sweep('--jobs', '3')).toBe(sweep('--jobs', '1'));
  });

  it('threads read a snapshot as well', () => {
    const args = ['sweep', 'test/lab/snapshots/router.snapshot', '--from', 'all', '--to', 'all', '--jobs', '2'];
    expect(execFileSync(process.execPath, [join(dir, 'bin/sim.cjs'), ...args], { cwd: root }).toString()).toContain('delivered router');
  });

  it.each(['1', '2'])('interrupted, it marks what it has and ends with 130 (--jobs %s)', async (jobs) => {
    const args = ['sweep', scenario, '--from', 'client', '--to', 'node', '--proto', 'udp', '--port', '1-65535', '--jobs', jobs, '--json'];
    const child = spawn(process.execPath, [join(dir, 'bin/sim.cjs'), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    child.stdout.on('data', (chunk) => {
      if (text === '') child.kill('SIGINT');
      text += chunk;
    });
    // 'close': every thread is gone and let go of the pipes.
    const code = await new Promise((resolve) => child.on('close', resolve));
    const lines = text.trimEnd().split('\n');
    expect([code, said]).toEqual([130, '']);
    expect(JSON.parse(lines[lines.length - 1])).toEqual({ partial: true, done: lines.length - 1, of: 65535 });
  });
});
