/** `sim check-log` as a shell sees it: output, standard error, exit status. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import * as checkLog from '../../src/cli/commands/check-log.js';
import { inProcess, type Result } from './in-process.js';

const root = new URL('../../', import.meta.url).pathname;
const recorded = `${root}test/harness/check-log/recorded`;
const scenario = `${root}scenarios/fabedge-edge-to-node.yaml`;
const seedLog = `${root}test/seed/recorded/seed-edge1-to-node1.full`;
const dir = mkdtempSync(join(tmpdir(), 'check-log-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

vi.mock('../../src/cli/out.js', () => ({ out: (text: string) => process.stdout.write(text), onTerminal: () => false }));

const sim = (...args: string[]): Promise<Result> => inProcess([checkLog], ['check-log', ...args]);

const written = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};

it('all agree: 0', async () => {
  const { status, stdout, stderr } = await sim(`${recorded}/nft`, `${recorded}/nft.nft-trace`);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/34 packets, 139 lines\. All agree with the model of nft\./);
});

it('all agree, and the packet is lost where no rule is asked: the model says why', async () => {
  const { stdout } = await sim(scenario, `${root}test/seed/recorded/3-rpfilter/all1-tunl01/node1.request.full`, '--node', 'node1');
  expect(stdout).toMatch(
    /All agree[\s\S]*is lost behind it: IP_RPFILTER in ip_rcv_finish_core\. 10\.22\.46\.41 came in on tunl0, but the route back to 10\.22\.46\.41 uses eth0/,
  );
});

it('they part: 1; what the packet before it changed is told with --packet', async () => {
  const args = [scenario, seedLog, '--node', 'node1'];
  const with0 = await sim(...args, '--do', 'sysctl -w net.ipv4.conf.all.rp_filter=0', '--do', 'sysctl -w net.ipv4.conf.tunl0.rp_filter=0');
  expect(with0.status).toBe(1);
  expect(with0.stdout).toMatch(/behind its last line:\n[\s\S]*log {4}nothing more\n[\s\S]*source validation was strict on tunl0/);
  const as = await sim(...args, '--packet', 'edge1-to-node1', '--json');
  expect(as.status).toBe(0);
  expect(JSON.parse(as.stdout)).toMatchObject({ version: 1, agree: true, node: 'node1', packets: 1, lines: 13, agreedLines: 13, assumed: [], parting: null });
});

it.each([
  [
    'no trace line',
    () => [`${recorded}/legacy`, written('other.log', 'eth0: link becomes ready\n')],
    /other\.log:1:1: error: there is no trace line in it \(1 line read\)/,
  ],
  ['no such log', () => [`${recorded}/legacy`, join(dir, 'none.log')], /none\.log cannot be read/],
  ['a folder as the log', () => [`${recorded}/legacy`, dir], /cannot be read/],
  ['no such node', () => [scenario, seedLog, '--node', 'node2'], /there is no node “node2”\n {2}hint: did you mean/],
  ['no node said', () => [scenario, seedLog], /which node is the log of\?/],
  ['no such packet', () => [scenario, seedLog, '--node', 'node1', '--packet', 'x'], /there is no packet “x”/],
  ['a command that is none', () => [scenario, seedLog, '--node', 'node1', '--do', 'iptables -A NOWHERE -j ACCEPT'], /NOWHERE|No chain/],
] as const)('bad input, 2: %s', async (_name, args, says) => {
  const { status, stdout, stderr } = await sim(...args());
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(says);
});

it('a line without an end, behind one that counts', async () => {
  const path = written(
    'long.log',
    `TRACE: filter:INPUT:policy:1 IN=r0 OUT= SRC=10.1.0.2 DST=10.1.0.1 LEN=28 TTL=64 ID=1 PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1\n${'x'.repeat(1 << 23)}`,
  );
  const { status, stdout } = await sim(`${recorded}/legacy`, path);
  expect(status).toBe(1);
  expect(stdout).toMatch(/1 packet, 1 line\./);
});
