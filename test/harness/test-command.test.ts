/** `sim test` and `sim diff` as people run them: exit codes, reporters, golden files, coverage, what generators print. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { register as registerDiff } from '../../src/cli/commands/diff.js';
import { register as registerTest } from '../../src/cli/commands/test.js';

const home = process.cwd();
let dir = '';

const network = `version: 1
nodes:
  a: { address: 10.0.0.1/24 }
  b:
    address: 10.0.0.2/24
    ipset: |
      create FRIENDS hash:net family inet hashsize 1024 maxelem 65536
      add FRIENDS 10.0.0.0/24
      add FRIENDS 192.168.0.0/24
    iptables: |
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :NEVER - [0:0]
      -A INPUT -p udp -j DROP
      -A INPUT -m set --match-set FRIENDS src -j ACCEPT
      -A NEVER -j DROP
      COMMIT
wires: [[a:eth0, b:eth0]]
`;
const files: Readonly<Record<string, string>> = {
  'good.yaml': `${network}table:\n  - { name: ping, from: a, to: [b, 10.0.0.2], expect: answered }\n  - { from: a, to: b, proto: [udp/53, udp/99], expect: { fate: dropped, where: 'b filter:INPUT:1' } }\n`,
  'bad.yaml': `${network}packets:\n  - { name: dns, from: a, udp: b:53, expect: { fate: delivered, hits: 'filter:INPUT:2' } }\n`,
  'senseless.yaml': `${network}packets:\n  - { name: dns, from: a, udp: b:53, expect: { misses: 'filter:INPUTT:2' } }\n`,
  'no-packets.yaml': network,
  'no-rows.yaml': `${network}table: []\n`,
  'golden.yaml': `${network}trace_all: true\npackets:\n  - { name: ping, from: a, ping: b, expect: { trace: { b: { file: golden/ping.trace } } } }\n`,
  'generated.yaml': `${network}apply:\n  - { node: b, run: [cat, rules.txt], as: iptables_restore, noflush: true }\ntable:\n  - { name: ping, from: a, to: b, expect: dropped }\n`,
  'fails.yaml': `${network}apply:\n  - { node: b, run: [sh, -c, 'echo no cluster >&2; exit 3'] }\ntable:\n  - { name: ping, from: a, to: b, expect: dropped }\n`,
  'rules.txt': '*filter\n-I INPUT 1 -p icmp -j DROP\nCOMMIT\n',
  'other.txt': '*filter\n-I INPUT 1 -p udp -j ACCEPT\nCOMMIT\n',
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sim-test-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  process.chdir(dir);
});
afterAll(() => {
  process.chdir(home);
  rmSync(dir, { recursive: true, force: true });
});

/** The command in this process; starting Node anew each time would take longer than all tests together. */
async function sim(...args: string[]) {
  const written = { out: '', err: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((t) => (written.out += String(t)) !== '');
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((t) => (written.err += String(t)) !== '');
  const program = new Command('sim').exitOverride();
  registerTest(program);
  registerDiff(program);
  process.exitCode = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
    return { code: process.exitCode, ...written };
  } catch (e) {
    if (!(e instanceof CommanderError)) throw e;
    return { code: 2, ...written };
  } finally {
    out.mockRestore();
    err.mockRestore();
    process.exitCode = 0;
  }
}

describe('exit codes', () => {
  it('0 when all hold', async () => {
    const r = await sim('test', 'good.yaml');
    expect(r.out).toBe('ok      good  6 expectations\n\n1 scenario, 4 packets, 6 expectations: all hold\n');
    expect(r.code).toBe(0);
  });
  it('1 when one does not: expected, actual, the rule, the walk', async () => {
    const r = await sim('test', 'good.yaml', 'bad.yaml');
    expect(r.code).toBe(1);
    expect(r.out).toContain('dns: fate  (bad.yaml:22)');
    expect(r.out).toContain('expected: delivered');
    expect(r.out).toMatch(/actual: {3}dropped on b: NETFILTER_DROP/);
    expect(r.out).toContain('rule: b filter:INPUT:1  -A INPUT -p udp -j DROP');
    expect(r.out).toMatch(/DROPPED NETFILTER_DROP/);
  });
  it.each([
    ['an expectation about what is not there', ['senseless.yaml'], 'unknown-chain'],
    ['a scenario without packets', ['no-packets.yaml'], 'no-packets'],
    ['a table without rows', ['no-rows.yaml'], 'table-empty'],
    ['a file that is not there', ['nothing.yaml'], 'no-scenarios'],
    ['a pattern that finds nothing', ['*.yml'], 'no-scenarios'],
    ['a generator that was not allowed to run', ['generated.yaml'], '--allow-run'],
    ['a generator that fails', ['--allow-run', 'fails.yaml'], 'no cluster'],
    ['a reporter that is not known', ['--reporter', 'xml', 'good.yaml'], ''],
  ])('2 for %s', async (_name, args, words) => {
    const r = await sim('test', ...args);
    expect(r.out + r.err).toContain(words);
    expect(r.code).toBe(2);
  });
});

it('patterns and folders', async () => {
  expect((await sim('test', '*d.yaml')).out).toContain('3 scenarios');
  expect((await sim('test', `${dir}/**/good.yaml`)).out).toContain('1 scenario,');
  expect((await sim('test', '.')).out).toContain('8 scenarios');
});

it('what a generator prints is applied, with --allow-run', async () => {
  expect(await sim('test', '--allow-run', 'generated.yaml')).toMatchObject({ code: 0 });
});

it('the example of a generator in another language', async () => {
  const example = join(home, 'examples/generator/cluster.yaml');
  expect(await sim('test', '--allow-run', example)).toMatchObject({ code: 0, out: expect.stringContaining('5 packets, 10 expectations: all hold') });
});

describe('reporters say the same', () => {
  it('tap', async () => {
    const { out } = await sim('test', '--reporter', 'tap', 'good.yaml', 'bad.yaml', 'senseless.yaml');
    expect(out).toMatch(/^TAP version 14\n1\.\.9\nok 1 - good \/ ping \[a > b\]: fate\n/);
    expect(out).toContain('not ok 7 - bad / dns: fate\n  ---\n  message: |\n    expected: delivered\n');
    expect(out).toContain('not ok 9 - senseless.yaml: cannot be tested');
  });
  it('junit', async () => {
    const { out } = await sim('test', '--reporter', 'junit', 'good.yaml', 'bad.yaml', 'senseless.yaml');
    expect(out).toContain('<testsuites name="sim test" tests="9" failures="2" errors="1" time="0">');
    expect(out).toContain('<testcase classname="good" name="ping [a &gt; b]: fate"');
    expect(out).toMatch(/<failure message="expected delivered; dropped on b/);
    expect(out.match(/<(testsuite|testcase|failure|error)\b[^>]*[^/]>/g)?.length).toBe(out.match(/<\/(testsuite|testcase|failure|error)>/g)?.length);
  });
  it('json', async () => {
    const j = JSON.parse((await sim('test', '--reporter', 'json', 'good.yaml', 'bad.yaml')).out);
    expect(j).toMatchObject({ version: 1, scenarios: 2, packets: 5, expectations: 8, failed: 2, errors: 0 });
    expect(j.results[1].expectations[0]).toMatchObject({ packet: 'dns', key: 'fate', ok: false, expected: 'delivered', line: 22 });
  });
  it('github', async () => {
    const { out } = await sim('test', '--reporter', 'github', 'bad.yaml');
    expect(out).toMatch(/^::error file=bad\.yaml,line=22,col=\d+,title=bad%3A dns%3A fate::expected: delivered%0Aactual:/);
  });
  it('twice the same', async () => {
    const args = ['test', '--reporter', 'junit', 'good.yaml', 'bad.yaml'];
    expect((await sim(...args)).out).toBe((await sim(...args)).out);
  });
});

it('golden files are missing, written by --update, then hold', async () => {
  expect((await sim('test', 'golden.yaml')).code).toBe(2);
  expect(await sim('test', '--update', 'golden.yaml')).toMatchObject({ code: 0, err: expect.stringContaining('wrote golden/ping.trace') });
  expect(readFileSync(join(dir, 'golden/ping.trace'), 'utf8')).toBe('filter:INPUT:rule:2\n');
  expect((await sim('test', 'golden.yaml')).code).toBe(0);
  mkdirSync(join(dir, 'golden'), { recursive: true });
  writeFileSync(join(dir, 'golden/ping.trace'), 'filter:INPUT:policy:3\n');
  expect(await sim('test', 'golden.yaml')).toMatchObject({ code: 1, out: expect.stringContaining('expected: trace line 1 on b: filter:INPUT:policy:3') });
});

it('--coverage lists rules, chains and set entries that no packet met', async () => {
  const { out } = await sim('test', '--coverage', 'good.yaml');
  expect(out).toContain('met by a packet: 2 of 3 rules, 1 of 2 chains, 1 of 2 set entries');
  expect(out).toContain('  b  filter:NEVER\n');
  expect(out).toContain('  b  filter:NEVER:1  -A NEVER -j DROP');
  expect(out).toContain('b  FRIENDS 192.168.0.0/24');
  expect(out).not.toContain('FRIENDS 10.0.0.0/24');
});

describe('sim diff', () => {
  it('two scenarios', async () => {
    const r = await sim('diff', '--packets', 'golden.yaml', 'good.yaml', 'good.yaml');
    expect(r).toMatchObject({ code: 2, err: expect.stringContaining('unknown-key') });
    writeFileSync(join(dir, 'packets.yaml'), 'packets:\n  - { name: ping, from: a, ping: b }\n  - { name: dns, from: a, udp: b:53 }\n');
    expect(await sim('diff', '--packets', 'packets.yaml', 'good.yaml', 'bad.yaml')).toMatchObject({
      code: 0,
      out: '2 packets compared: no fate and no address differs\n',
    });
  });
  it('two outputs of a generator', async () => {
    const r = await sim('diff', '--on', 'good.yaml', '--packets', 'packets.yaml', '--node', 'b', '--noflush', 'rules.txt', 'other.txt');
    expect(r.code).toBe(1);
    expect(r.out).toContain('2 packets compared: 2 differ');
    expect(r.out).toContain('ping\n  fate  A: dropped on b: NETFILTER_DROP');
    expect(r.out).toContain('  A: b filter:INPUT:1  -A INPUT -p icmp -j DROP\n');
    const j = JSON.parse(
      (await sim('diff', '--json', '--on', 'good.yaml', '--packets', 'packets.yaml', '--node', 'b', '--noflush', 'rules.txt', 'other.txt')).out,
    );
    expect(j).toMatchObject({ version: 1, changed: 2, packets: [{ packet: 'ping', fateChanged: true, addressesChanged: false }, { packet: 'dns' }] });
  });
  it.each([
    ['no packet in common', ['good.yaml', 'bad.yaml'], 'no-packets'],
    ['a path that is not there', ['good.yaml', 'nothing'], 'file-not-found'],
    ['a node that is not there', ['--on', 'good.yaml', '--node', 'c', 'rules.txt', 'other.txt'], 'unknown-node'],
    ['no node', ['--on', 'good.yaml', 'rules.txt', 'other.txt'], 'unknown-node'],
    ['text that the tool refuses', ['--on', 'good.yaml', '--node', 'b', 'rules.txt', 'good.yaml'], 'error'],
  ])('2 for %s', async (_name, args, words) => {
    const r = await sim('diff', ...args);
    expect(r.err).toContain(words);
    expect(r.code).toBe(2);
  });
});
