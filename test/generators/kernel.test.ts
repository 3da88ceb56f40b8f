/** What the generators write, put on a kernel by the real tools and on our nodes by `apply:`: the same tables afterwards. Needs root and the legacy tools. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { writeIptablesSave } from '../../src/formats/iptables-save.js';
import { network, ping } from '../../src/index.js';
import { clusterNetwork, podIp, podOf } from './cluster.js';
import { type Cluster, generator, type Host, type Mistakes } from './fabedge.js';

const cluster: Cluster = {
  cloudPods: '10.234.0.0/16',
  connector: { name: 'master', ip: '10.22.46.11', pods: '10.234.79.128/26' },
  clouds: [{ name: 'node1', ip: '10.22.46.16', pods: '10.234.102.128/26' }],
  edges: [{ name: 'edge1', ip: '10.40.0.41', pods: '192.168.0.0/24' }],
};

/** In a network namespace of its own; null where that cannot be had. */
const shell = (script: string): string | null => {
  const r = spawnSync('unshare', ['-n', 'sh', '-ec', script], { encoding: 'utf8' });
  return r.status === 0 ? r.stdout : null;
};
const able = shell('iptables-legacy-save -t nat >/dev/null && iptables-legacy -t nat -S >/dev/null && ipset create probe hash:net') !== null;
if (!able) console.warn('test/generators/kernel.test.ts is skipped: it needs root, iptables-legacy and ipset');

/** Rules and chains in order, without counters and comments. */
const rulesIn = (text: string): string[] =>
  text
    .split('\n')
    .filter((l) => l !== '' && !l.startsWith('#'))
    .map((l) => l.replace(/\[\d+:\d+\]/, '[0:0]'));

function onKernel(base: string, h: Host, m: Mistakes): string[] {
  const o = generator(m)(cluster, h);
  const text = shell(
    `iptables-legacy-restore <<'A'\n${base}A\nipset restore <<'B'\n${o.sets}B\niptables-legacy-restore --noflush <<'C'\n${o.rules}C\niptables-legacy-save -t nat`,
  );
  return rulesIn(text ?? '');
}

describe.skipIf(!able)('the tables after the same texts', () => {
  it.each<[string, Mistakes]>([
    ['as it should be', {}],
    ['appends', { appends: true }],
    ['declaresOthers', { declaresOthers: true }],
  ])('%s', (_name, m) => {
    const input = clusterNetwork(cluster, generator(m));
    const run = network({ ...input, packets: [ping(podOf(cluster.edges[0]), podIp(cluster.clouds[0]))] }).run();
    for (const h of [cluster.connector, ...cluster.clouds, ...cluster.edges]) {
      const rules = run.network.node(h.name)?.given.iptables;
      expect(rules && rulesIn(writeIptablesSave(rules)), h.name).toEqual(onKernel(String(input.nodes[h.name].iptables), h, m));
    }
  });
});
