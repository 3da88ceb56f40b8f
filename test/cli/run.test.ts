/** The commands as a shell sees them: output, standard error, exit status. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { splitShellWords } from '../../src/base/shell-words.js';
import * as explain from '../../src/cli/commands/explain.js';
import * as list from '../../src/cli/commands/list.js';
import * as run from '../../src/cli/commands/run.js';
import * as schema from '../../src/cli/commands/schema.js';
import * as trace from '../../src/cli/commands/trace.js';
import { LINKTYPE, readPcap } from '../../src/packet/pcap.js';
import { inProcess, type Result } from './in-process.js';

vi.mock('../../src/cli/out.js', () => ({ out: (text: string) => process.stdout.write(text), onTerminal: () => false }));

const root = new URL('../../', import.meta.url).pathname;
const sim = (...args: string[]): Promise<Result> => inProcess([explain, list, run, schema, trace], args);

const seed = `${root}scenarios/fabedge-edge-to-node.yaml`;

describe('sim run', () => {
  it('ran: 0, whatever became of the packets', async () => {
    const r = await sim('run', seed, '--format', 'summary');
    expect([r.status, r.stderr]).toEqual([0, '']);
    expect(r.stdout.split('\n')).toHaveLength(4);
  });
  it('prints nothing else than the report’s listing when told to', async () => {
    const r = await sim('run', seed, '--node', 'node1', '--packet', 'edge1-to-node1', '--dir', 'request', '--layer', 'inner', '--format', 'trace');
    expect(r).toEqual({ status: 0, stderr: '', stdout: readFileSync(join(root, 'scenarios/fabedge-edge-to-node/expected/seed-edge1-to-node1.trace'), 'utf8') });
  });
  it('names the next command with the scenario as it was given', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sim-'));
    try {
      const odd = join(dir, "it's mine.yaml");
      copyFileSync(`${root}scenarios/rp-filter/loose-on-one-interface.yaml`, odd);
      const next = async (name: string): Promise<string | undefined> => / \((sim what-if .*) compares them\)/.exec((await sim('run', name)).stdout)?.[1];
      expect(await next('rp-filter/loose-on-one-interface')).toBe('sim what-if rp-filter/loose-on-one-interface');
      expect(await next('loose-on-one-interface')).toBe('sim what-if loose-on-one-interface');
      expect(await next(seed)).toBe(`sim what-if ${seed}`);
      expect(splitShellWords((await next(odd)) ?? '')).toEqual(['sim', 'what-if', odd]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
  it('names --trace-all where no TRACE rule matched', async () => {
    const r = await sim('run', seed, '--node', 'net-tool-edge1', '--format', 'kernel');
    expect([r.status, r.stdout]).toEqual([0, '']);
    expect(r.stderr).toContain('--trace-all');
  });
  it('writes a capture', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sim-'));
    try {
      const file = join(dir, 'a.pcap');
      expect(await sim('run', seed, '--format', 'pcap', '-o', file)).toEqual({ status: 0, stdout: '', stderr: '' });
      const bytes = new Uint8Array(readFileSync(file));
      expect(new DataView(bytes.buffer).getUint32(20, true)).toBe(LINKTYPE.LINUX_SLL2);
      expect(readPcap(bytes).value.length).toBeGreaterThan(20);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
  it.each([
    [['run', 'no-such-scenario'], 'there is no such file'],
    [['run', seed, '--format', 'sumary'], 'did you mean “summary”'],
    [['run', seed, '--node', 'node2'], 'did you mean “node1”'],
    [['run', seed, '--packet', 'x'], 'one of master-to-node1, edge1-to-node1'],
    [['run', seed, '--what-if', 'rp_filter-of'], 'did you mean “rp_filter-off”'],
    [['run', seed, '--layer', 'middle'], 'Allowed choices'],
  ])('bad input: 2 (%j)', async (args, hint) => {
    const r = await sim(...args);
    expect([r.status, r.stdout]).toEqual([2, '']);
    expect(r.stderr).toContain(hint);
  });
  it('a file that cannot be written: 3', async () => {
    expect((await sim('run', seed, '--format', 'summary', '-o', '/nowhere/at/all')).status).toBe(3);
  });
});

describe('sim trace', () => {
  const dumps = `${root}scenarios/fabedge-edge-to-node/node1`;
  it('one packet through a folder of dumps', async () => {
    const r = await sim('trace', dumps, '--in', 'tunl0', 'icmp 10.22.46.41 > 10.234.102.161', '--format', 'summary');
    expect([r.status, r.stderr]).toEqual([0, '']);
    expect(r.stdout).toBe(
      'packet request: dropped node1 ip_rcv_finish IP_RPFILTER; 10.22.46.41>10.234.102.161 => 10.22.46.41>10.234.102.161; 13 trace lines\n',
    );
  });
  it('sent by the node, with a change before it', async () => {
    const r = await sim('trace', dumps, '--local', 'udp 10.22.46.16:4000 > 10.22.46.41:53', '--do', 'iptables -I OUTPUT -p udp -j DROP', '--format', 'summary');
    expect(r.stdout).toContain('packet request: dropped node1 ip_local_out NETFILTER_DROP;');
  });
  it.each([
    [[dumps, 'icmp 10.0.0.1 > 10.0.0.2'], '--in DEVICE'],
    [[dumps, '--in', 'tunl1', 'icmp 10.0.0.1 > 10.0.0.2'], 'did you mean “tunl0”'],
    [[dumps, '--in', 'tunl0', 'icmp 10.0.0.1 > 10.0.0'], '10.0.0'],
    [[dumps, '--in', 'tunl0'], '--pcap FILE'],
    [['/nowhere', '--in', 'eth0', 'icmp 10.0.0.1 > 10.0.0.2'], 'no folder'],
  ])('bad input: 2 (%j)', async (args, hint) => {
    const r = await sim('trace', ...args);
    expect([r.status, r.stdout]).toEqual([2, '']);
    expect(r.stderr).toContain(hint);
  });
});

describe('sim explain, schema, list', () => {
  it('explain', async () => {
    expect((await sim('explain', 'IP_RPFILTER')).stdout).toContain('TcpExtIPReversePathFilter');
    const r = await sim('explain', 'IP_RPFILTR');
    expect([r.status, r.stdout]).toEqual([2, '']);
    expect(r.stderr).toContain('did you mean “IP_RPFILTER”');
  });
  it('schema', async () => {
    expect(JSON.parse((await sim('schema')).stdout).properties).toHaveProperty('packets');
    expect(JSON.parse((await sim('schema', '--trace')).stdout).required).toEqual(['version', 'packets', 'events']);
  });
  it('list', async () => {
    expect((await sim('list')).stdout).toMatch(/^fabedge-edge-to-node +An edge pod cannot ping/m);
  });
});
