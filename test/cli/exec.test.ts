/** `sim exec` and `sim what-if` as a shell sees them: output, standard error, exit status. */
import { describe, expect, it, vi } from 'vitest';
import * as exec from '../../src/cli/commands/exec.js';
import * as whatIf from '../../src/cli/commands/what-if.js';
import { inProcess, type Result } from './in-process.js';

const seed = new URL('../../scenarios/fabedge-edge-to-node.yaml', import.meta.url).pathname;

vi.mock('../../src/cli/out.js', () => ({ out: (text: string) => process.stdout.write(text), onTerminal: () => false }));

const sim = (...args: string[]): Promise<Result> => inProcess([exec, whatIf], args);

describe('exec', () => {
  it('has the tool’s own exit status', async () => {
    expect(await sim('exec', seed, 'node1', '--', 'ip', 'route', 'get', '10.234.102.161', 'from', '10.22.46.41', 'iif', 'tunl0')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'RTNETLINK answers: Invalid argument\n',
    });
    expect((await sim('exec', seed, 'node1', '--', 'sysctl', '-n', 'net.ipv4.conf.tunl0.rp_filter')).stdout).toBe('1\n');
  });
  it('--after, --do, --what-if', async () => {
    expect((await sim('exec', seed, 'node1', '--', 'nstat', '-az', 'TcpExtIPReversePathFilter')).stdout).toContain('IPReversePathFilter       0 ');
    expect((await sim('exec', '--after', seed, 'node1', '--', 'nstat', '-az', 'TcpExtIPReversePathFilter')).stdout).toContain('IPReversePathFilter       1 ');
    expect((await sim('exec', seed, 'node1', '--do', 'node1: ip route add 9.9.9.9 dev eth0', '--', 'ip', 'route', 'get', '9.9.9.9')).stdout).toBe(
      '9.9.9.9 dev eth0 src 10.22.46.16 uid 0 \n    cache \n',
    );
    expect((await sim('exec', seed, 'node1', '--what-if', 'rp_filter-loose', '--', 'sysctl', '-n', 'net.ipv4.conf.tunl0.rp_filter')).stdout).toBe('2\n');
  });
  it('names what is wrong', async () => {
    expect(await sim('exec', seed, 'nod1', '--', 'ip', 'a')).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean “node1”?') });
    expect(await sim('exec', seed, 'node1', '--', 'ifconfig')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/“ifconfig” is no command[\s\S]*known: .*tcpdump/),
    });
    expect(await sim('exec', seed, 'node1', '--do', 'node1: ip link set nope up', '--', 'ip', 'a')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Cannot find device "nope"'),
    });
    expect((await sim('exec', '/nowhere.yaml', 'n', '--', 'ip', 'a')).status).toBe(2);
  });
});

describe('what-if', () => {
  it('named ones, as text and JSON', async () => {
    const text = await sim('what-if', seed, 'rp_filter-off-tunl0-only');
    expect(text.status).toBe(0);
    expect(text.stdout.split('\n').filter((l) => l.includes('IP_RPFILTER'))).toHaveLength(2);
    const json = JSON.parse((await sim('what-if', seed, '--json', 'master-forward-drop')).stdout);
    expect(json).toMatchObject({ version: 1, base: { packets: [{ answered: true }, { answered: false }] } });
    expect(json.variants[0].packets[1]).toMatchObject({
      request: 'dropped master NETFILTER_DROP (policy-drop)',
      changed: true,
      parting: { direction: 'request', variant: null },
    });
  });
  it('names what is wrong', async () => {
    expect(await sim('what-if', seed, 'rp_filter-of')).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean “rp_filter-off”?') });
    expect(await sim('what-if', seed, '--do', 'node1 sysctl')).toMatchObject({ status: 2, stderr: expect.stringContaining('expected “NODE: COMMAND”') });
  });
});
