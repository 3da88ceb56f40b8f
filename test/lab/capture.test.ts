/**
 * A capture of namespaces that are built here with the real tools: it changes nothing, and what is imported from it gives the trace of its kernel.
 * With UPDATE_GOLDEN=1 it also writes the recorded snapshots and traces beside this file. Needs root and the tools; skips loudly elsewhere.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SNAPSHOT_SCRIPT } from '../../src/formats/snapshot-script.js';
import { capture } from '../../src/lab/capture.js';
import { CaptureStream } from '../../src/lab/capture-stream.js';
import { readLogRecord, tracePointOf } from '../../src/lab/nflog.js';
import { buildNodes, importSnapshots, modelTraces, nodeNames, removeNodes, targets, traceLine } from './capture-nodes.js';

const NEEDED = ['ip', 'iptables-legacy', 'ipset', 'nft', 'conntrack', 'tcpdump', 'ping', 'busybox'];
const lacks = NEEDED.filter((t) => spawnSync('sh', ['-c', `command -v ${t}`]).status !== 0);
const probe = `nfsim-cap${process.pid}`;
const able = process.getuid?.() === 0 && lacks.length === 0 && spawnSync('ip', ['netns', 'add', probe]).status === 0;
if (able) spawnSync('ip', ['netns', 'del', probe]);
if (!able) console.warn(`SKIPPED: captures of namespaces need root, network namespaces and ${lacks.join(', ') || 'nothing else'}`);

const ns = (node: string): string => `${probe}-${node}`;
const inside = (netns: string, ...command: string[]): string =>
  execFileSync('ip', ['netns', 'exec', netns, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const taken = async (node: string): Promise<string> => {
  const c = await capture({ kind: 'netns', name: ns(node) }, false, () => {});
  expect([c.status, c.errors]).toEqual([0, '']);
  return c.text;
};

/** All that a capture might have made by asking. */
const state = (netns: string): string =>
  inside(
    netns,
    'sh',
    '-c',
    'cat /proc/net/ip_tables_names /proc/net/ip6_tables_names /proc/net/arp_tables_names; nft list tables; nft list hooks; ipset -n list; ip -o link; ip -o addr; ip rule; ip route show table all; { grep -rs "" /proc/sys/net; true; }',
  );

describe.skipIf(!able)('a capture', () => {
  const snapshots = new Map<string, string>();
  beforeAll(async () => {
    // What a run left behind that was killed.
    for (const [name, pid] of spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.matchAll(/^nfsim-cap(\d+)-\w+/gm))
      if (!existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'del', name]);
    buildNodes(ns);
    execFileSync('ip', ['netns', 'add', ns('bare')]);
    // The kernel tells a carrier a while after the other end came up.
    for (let i = 0; i < 50 && nodeNames.some((n) => /NO-CARRIER|state DOWN|LOWERLAYERDOWN/.test(inside(ns(n), 'ip', '-o', 'link'))); i++)
      await new Promise((r) => setTimeout(r, 100));
    for (const n of nodeNames) snapshots.set(n, await taken(n));
  }, 60_000);
  afterAll(() => {
    removeNodes(ns);
    spawnSync('ip', ['netns', 'del', ns('bare')]);
  });

  it.each([['sh'], ['busybox']])('leaves tables, sets, hooks and sysctls as they were (%s)', (shell) => {
    for (const netns of [ns('router'), ns('bare')]) {
      const before = state(netns);
      const r = spawnSync('ip', ['netns', 'exec', netns, ...(shell === 'busybox' ? ['busybox', 'sh'] : ['sh']), '-s'], {
        input: SNAPSHOT_SCRIPT,
        encoding: 'utf8',
      });
      expect([r.status, r.stderr]).toEqual([0, '']);
      expect(r.stdout).toMatch(/^== end\n$/m);
      expect(state(netns)).toBe(before);
    }
    // That it would be seen: asking for a table makes it.
    const before = state(ns('bare'));
    inside(ns('bare'), 'iptables-legacy', '-t', 'nat', '-S');
    if (shell === 'sh') expect(state(ns('bare'))).not.toBe(before);
  });

  it('is imported with its wires and gives the trace of its kernel', async () => {
    const scenario = importSnapshots(snapshots, targets);
    const model = modelTraces(scenario);
    const kernel = await kernelTraces();
    for (const t of targets) {
      expect(kernel.get(t)?.length).toBeGreaterThanOrEqual(3);
      expect([t, ...(model.get(t) ?? [])]).toEqual([t, ...(kernel.get(t) ?? [])]);
    }
    if (process.env.UPDATE_GOLDEN) record(kernel);
  }, 60_000);

  /** What nfnetlink_log says on the router for one ping to each target. */
  async function kernelTraces(): Promise<Map<string, string[]>> {
    const names = new Map((JSON.parse(inside(ns('router'), 'ip', '-j', 'link')) as { ifindex: number; ifname: string }[]).map((l) => [l.ifindex, l.ifname]));
    const log = new CaptureStream(ns('router'), 'nflog:0');
    const out = new Map<string, string[]>();
    try {
      await log.ready;
      for (const t of targets) {
        log.take();
        spawnSync('ip', ['netns', 'exec', ns('host'), 'ping', '-c', '1', '-W', '0.2', t]);
        await new Promise((r) => setTimeout(r, 250));
        const points = log.take().flatMap((f) => tracePointOf(readLogRecord(f.bytes), names) ?? []);
        out.set(t, points.map(traceLine));
      }
    } finally {
      log.close();
    }
    return out;
  }

  function record(kernel: ReadonlyMap<string, readonly string[]>): void {
    const dir = join(import.meta.dirname, 'snapshots');
    mkdirSync(dir, { recursive: true });
    for (const [n, text] of snapshots) writeFileSync(join(dir, `${n}.snapshot`), text);
    writeFileSync(join(dir, 'router.trace'), [...kernel].map(([t, lines]) => `# ping ${t}\n${lines.map((l) => `${l}\n`).join('')}`).join(''));
  }
});
