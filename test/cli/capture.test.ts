/** `sim capture` and `sim new` as a shell sees them, and the places where a snapshot stands for a node. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { SNAPSHOT_SCRIPT } from '../../src/formats/snapshot-script.js';
import { inProcess, type Result } from './in-process.js';

vi.mock('../../src/cli/out.js', () => ({ out: (text: string) => process.stdout.write(text), onTerminal: () => false }));

const recorded = (n: string): string => join(import.meta.dirname, `../lab/snapshots/${n}.snapshot`);
const dir = mkdtempSync(join(tmpdir(), 'nfsim-new-'));
const at = (name: string): string => join(dir, name);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sim = async (command: string, ...args: string[]): Promise<Result> =>
  inProcess([await import(`../../src/cli/commands/${command}.ts`)], [command, ...args]);

describe('sim capture', () => {
  it('prints the script', async () => {
    expect(await sim('capture', '--print-script')).toEqual({ status: 0, stdout: SNAPSHOT_SCRIPT, stderr: '' });
    expect((await sim('capture', '--print-script', '-o', at('s.sh'))).stdout).toBe('');
    expect(readFileSync(at('s.sh'), 'utf8')).toBe(SNAPSHOT_SCRIPT);
  });
  it('wants exactly one place', async () => {
    for (const args of [[], ['--local', '--netns', 'x'], ['--print-script', '--local'], ['--pid', 'x'], ['--pid', '0']]) {
      const r = await sim('capture', ...args);
      expect([r.status, r.stdout]).toEqual([2, '']);
      expect(r.stderr).not.toBe('');
    }
  });
  it('says what the machine lacks, status 3', async () => {
    for (const args of [
      ['--netns', 'no-such-namespace'],
      ['--netns', '../../etc/passwd'],
      ['--netns', '--help'],
      ['--pid', '4194999'],
    ]) {
      const r = await sim('capture', ...args);
      expect([r.status, r.stdout]).toEqual([3, '']);
      expect(r.stderr).toMatch(/there is no |only root|only Linux/);
    }
  });
  it.skipIf(process.platform !== 'linux')('--local takes one that can be used at once', async () => {
    const r = await sim('capture', '--local', '-o', at('local.snapshot'));
    expect([r.status, r.stdout]).toEqual([0, '']);
    expect(r.stderr).toMatch(/^\d\d parts/m);
    expect((await sim('exec', at('local.snapshot'), 'local', '--', 'ip', 'route', 'get', '127.0.0.1')).stdout).toMatch(/^local 127\.0\.0\.1 dev lo /);
    expect((await sim('capture', '--local', '-n')).stdout).toMatch(/^ip-route\.txt: ip route show table all$/m);
  });
});

describe('a snapshot stands for a node', () => {
  it('in trace, exec and run', async () => {
    const t = await sim('trace', recorded('router'), '--in', 'lan0', 'icmp 10.0.0.9 > 8.8.8.8', '--format', 'summary');
    expect([t.status, t.stderr]).toEqual([0, '']);
    expect(t.stdout).toMatch(/dropped router ip_forward NETFILTER_DROP/);
    expect(await sim('exec', recorded('router'), 'router', '--', 'ipset', 'test', 'blocked', '8.8.8.8')).toMatchObject({ status: 0 });
    expect((await sim('exec', recorded('router'), 'router', '--', 'ip', 'rule')).stdout).toContain('100:\tfrom all fwmark 0x10 lookup 100');
    expect(await sim('run', recorded('router'))).toMatchObject({ status: 0 });
  });
  it('in diff: before and after a change', async () => {
    writeFileSync(at('after.snapshot'), readFileSync(recorded('router'), 'utf8').replace('--mark 0x10 -j ACCEPT', '--mark 0x11 -j ACCEPT'));
    writeFileSync(
      at('p.yaml'),
      "packets:\n  - { name: a, at: node:lan0, packet: 'icmp 10.0.0.9 > 151.101.1.5' }\n  - { name: b, at: node:lan0, packet: 'icmp 10.0.0.9 > 8.8.8.8' }\n",
    );
    const same = await sim('diff', recorded('router'), recorded('router'), '--packets', at('p.yaml'));
    expect(same.status).toBe(0);
    const changed = await sim('diff', recorded('router'), at('after.snapshot'), '--packets', at('p.yaml'));
    expect([changed.status, changed.stderr]).toEqual([1, '']);
    expect(changed.stdout).toMatch(/^a\b/m);
  });
  it('sim fmt finds its part', async () => {
    const rules = await sim('fmt', 'iptables-save', recorded('router'), '--sets', recorded('router'));
    expect([rules.status, rules.stderr]).toEqual([0, '']);
    expect(rules.stdout).toContain('-A FORWARD -m set --match-set blocked dst -j DROP\n');
    expect((await sim('fmt', 'ip-rule', recorded('router'))).stdout).toContain('100:\tfrom all fwmark 0x10 lookup 100');
    expect((await sim('fmt', 'ip-rule', '-6', recorded('router'))).stdout).not.toContain('0x10');
    expect(await sim('fmt', 'ip6tables-save', recorded('router'))).toMatchObject({ status: 0, stdout: '' });
    writeFileSync(at('few.snapshot'), 'netfilter-sim snapshot 1\n== end\n');
    expect(await sim('fmt', 'ipset-save', at('few.snapshot'))).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `${at('few.snapshot')}: error: this snapshot does not tell ipset-save\n`,
    });
  });
  it('what is none is said', async () => {
    writeFileSync(at('none.snapshot'), 'hello\n');
    for (const args of [
      ['trace', at('none.snapshot'), '--in', 'eth0', 'icmp 10.0.0.1 > 10.0.0.2'],
      ['new', at('none.yaml'), at('none.snapshot')],
    ]) {
      const r = await sim(args[0], ...args.slice(1));
      expect([r.status, r.stdout]).toEqual([2, '']);
      expect(r.stderr).toContain('this is no snapshot [snapshot-header]');
    }
    expect(existsSync(at('none.yaml'))).toBe(false);
  });
});

describe('sim new', () => {
  const all = ['router', 'host', 'server'].map(recorded);
  it('copies the snapshots into a folder of its own, and what it wrote runs', async () => {
    const r = await sim('new', at('a/three.yaml'), ...all);
    expect(r).toEqual({ status: 0, stdout: `${at('a/three.yaml')}: 3 nodes, 2 wires, 6 packets\n`, stderr: '' });
    expect(readdirSync(at('a/three')).sort()).toEqual(['host.snapshot', 'router.snapshot', 'server.snapshot']);
    expect(readFileSync(at('a/three/host.snapshot'), 'utf8')).toBe(readFileSync(recorded('host'), 'utf8'));
    const run = await sim('run', at('a/three.yaml'), '--format', 'summary');
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('host-to-server request: delivered server icmp_rcv; 10.0.0.9>93.184.216.34 => 93.184.216.1>93.184.216.34');
  });
  it('never overwrites without --force', async () => {
    const before = readFileSync(at('a/three.yaml'), 'utf8');
    writeFileSync(at('a/three/host.snapshot'), 'mine');
    const r = await sim('new', at('a/three.yaml'), ...all);
    expect([r.status, r.stdout]).toEqual([2, '']);
    expect(r.stderr).toMatch(/already there\n {2}hint: --force overwrites/);
    expect(readFileSync(at('a/three/host.snapshot'), 'utf8')).toBe('mine');
    rmSync(at('a/three.yaml'));
    expect((await sim('new', at('a/three.yaml'), ...all)).status).toBe(2);
    expect(existsSync(at('a/three.yaml'))).toBe(false);
    expect((await sim('new', '--force', at('a/three.yaml'), ...all)).status).toBe(0);
    expect(readFileSync(at('a/three.yaml'), 'utf8')).toBe(before);
    expect(readFileSync(at('a/three/host.snapshot'), 'utf8')).not.toBe('mine');
  });
  it('refers to a snapshot that lies below the scenario where it is', async () => {
    mkdirSync(at('b/dumps'), { recursive: true });
    writeFileSync(at('b/dumps/h.snapshot'), readFileSync(recorded('host')));
    expect((await sim('new', at('b/one.yaml'), at('b/dumps/h.snapshot'))).status).toBe(0);
    expect(readdirSync(at('b'))).toEqual(['dumps', 'one.yaml']);
    expect(readFileSync(at('b/one.yaml'), 'utf8')).toContain('h: { dumps: dumps/h.snapshot }');
  });
  it('--anonymize writes the same twice, and leaves nothing public in any file', async () => {
    expect(await sim('new', '--anonymize', at('c/x.yaml'), ...all)).toMatchObject({ status: 0, stderr: '' });
    expect(await sim('new', '--anonymize', at('d/x.yaml'), ...all)).toMatchObject({ status: 0, stderr: '' });
    const texts = (d: string): string[] => ['x.yaml', ...[1, 2, 3].map((i) => `x/node${i}.snapshot`)].map((f) => readFileSync(at(`${d}/${f}`), 'utf8'));
    expect(texts('c')).toEqual(texts('d'));
    expect(texts('c').join('')).not.toMatch(/93\.184\.|151\.101\.|\b8\.8\.|52:54:00|example\.org/);
    expect(texts('c')[0]).not.toContain('router');
    const run = await sim('run', at('c/x.yaml'), '--format', 'summary');
    expect(run.stdout).toMatch(/node2-to-node3 request: delivered node3/);
  });
  it('says what is doubtful, and shows nothing that a terminal would obey', async () => {
    const of = (dev: string, addr: string, mac: string): string =>
      `netfilter-sim snapshot 1\n== ip-link.json: x\n|[{"ifindex":2,"ifname":"${dev}","flags":["UP"],"mtu":1500,"link_type":"ether","address":"${mac}"}]\n-- exit 0\n== ip-addr.json: x\n|[{"ifname":"${dev}","addr_info":[{"family":"inet","local":"${addr}","prefixlen":24,"scope":"global"}]}]\n-- exit 0\n== end\n`;
    writeFileSync(at('p.snapshot'), of('e\\u001b[2J', '10.0.0.1', '02:00:00:00:00:01'));
    writeFileSync(at('q.snapshot'), of('eth0', '10.0.0.1', '02:00:00:00:00:02'));
    const r = await sim('new', at('f/pq.yaml'), at('p.snapshot'), at('q.snapshot'));
    expect(r.stderr).toContain('q:eth0 (10.0.0.0/24): p and q both have 10.0.0.1: these are two networks, or one of them is wrong [wire-left-out]');
    expect(r.stderr + readFileSync(at('f/pq.yaml'), 'utf8')).not.toContain('\u001b');
    expect(r).toMatchObject({ status: 0, stdout: `${at('f/pq.yaml')}: 2 nodes, 0 wires, 2 packets\n` });
  });
  it('refuses one namespace twice, folders, and names that are no scenarios', async () => {
    writeFileSync(at('again.snapshot'), readFileSync(recorded('host')));
    expect((await sim('new', at('e.yaml'), recorded('host'), at('again.snapshot'))).stderr).toContain('snapshots of the same namespace of the same host');
    expect((await sim('new', at('e.yaml'), dir)).stderr).toContain('dumps: FOLDER');
    expect((await sim('new', recorded('host'), recorded('router'))).stderr).toContain('NAME.yaml');
    expect(existsSync(at('e.yaml'))).toBe(false);
  });
});
