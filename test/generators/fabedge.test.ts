/** The generator's regression suite: right, it passes; each of the project's historic mistakes is caught, by the packets that it harmed. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { network, ping } from '../../src/index.js';
import '../../src/harness/vitest.js';
import { clusterNetwork, podIp, podOf, suite } from './cluster.js';
import { type Cluster, generator, type Host, type Mistakes } from './fabedge.js';

const cluster: Cluster = {
  cloudPods: '10.234.0.0/16',
  connector: { name: 'master', ip: '10.22.46.11', pods: '10.234.79.128/26' },
  clouds: [{ name: 'node1', ip: '10.22.46.16', pods: '10.234.102.128/26' }],
  edges: [{ name: 'edge1', ip: '10.40.0.41', pods: '192.168.0.0/24' }],
};

const judged = (m: Mistakes) => network({ ...clusterNetwork(cluster, generator(m)), packets: suite(cluster) }).check().verdicts;
const failures = (m: Mistakes): string[] =>
  judged(m)
    .filter((v) => !v.ok)
    .map((v) => `${v.expectation.packet}: ${v.label}: ${v.actual}`);

it('the generator as it should be', () => {
  expect(failures({})).toEqual([]);
});

describe('each mistake is caught', () => {
  // Packet by packet, what the harm is. All of it was seen on a 6.18 kernel, too, with every node in a network namespace and tunl0 as a veth pair.
  const rows: [keyof Mistakes, string[]][] = [
    [
      'emptySets',
      [
        'edge pod to cloud pod: masqueraded: edge1 rewrote its source to 10.40.0.41',
        'edge pod to cloud pod: source: source 10.234.79.131',
        'cloud pod to edge pod: masqueraded: node1 rewrote its source to 10.234.102.131',
        'cloud pod to edge pod: source: source 10.40.0.1',
        'edge pod to the connector’s pod: masqueraded: edge1 rewrote its source to 10.40.0.41',
        'the connector’s pod to edge pod: masqueraded: master rewrote its source to 10.40.0.1',
        'edge pod to cloud node: fate: delivered on node1, its answer held on node1, waiting for a neighbour',
        'edge pod to cloud node: snat_to: edge1 rewrote its source to 10.40.0.41',
      ],
    ],
    [
      'returns',
      [
        'edge pod to cloud pod: masqueraded: master rewrote its source to 10.234.79.131',
        'edge pod to cloud pod: source: source 10.234.79.131',
        'cloud pod to edge pod: masqueraded: node1 rewrote its source to 10.234.102.131',
        'cloud pod to edge pod: source: source 10.40.0.1',
        'the connector’s pod to edge pod: masqueraded: master rewrote its source to 10.40.0.1',
      ],
    ],
    [
      'appends',
      [
        'edge pod to cloud pod: masqueraded: master rewrote its source to 10.234.79.131',
        'edge pod to cloud pod: source: source 10.234.79.131',
        'cloud pod to edge pod: masqueraded: node1 rewrote its source to 10.234.102.131',
        'cloud pod to edge pod: source: source 10.40.0.1',
        'the connector’s pod to edge pod: masqueraded: master rewrote its source to 10.40.0.1',
      ],
    ],
    ['oneWay', ['edge pod to cloud pod: masqueraded: master rewrote its source to 10.234.79.131', 'edge pod to cloud pod: source: source 10.234.79.131']],
    [
      'declaresOthers',
      [
        'a cloud pod to its own service: fate: dropped on pod-node1: IP_LOCAL_SOURCE in ip_rcv_finish_core (source-is-ours)',
        'a cloud pod to its own service: masqueraded: not masqueraded',
      ],
    ],
  ];
  it.each(rows)('%s', (mistake, harm) => {
    expect(failures({ [mistake]: true })).toEqual(harm);
  });

  it('and the rule behind it is named', () => {
    const v = judged({ returns: true }).find((x) => !x.ok);
    expect(v?.responsible.join('\n')).toContain('rule: master nat:POSTROUTING:6  -A POSTROUTING ! -s 10.234.0.0/16 -d 10.234.0.0/16 -j MASQUERADE');
  });
});

/** Up to three edges and cloud nodes; /26 blocks of the cloud's and of the edges' networks, in any order. */
const clusters: fc.Arbitrary<Cluster> = fc
  .record({
    edges: fc.integer({ min: 1, max: 3 }),
    clouds: fc.integer({ min: 1, max: 3 }),
    blocks: fc.uniqueArray(fc.integer({ min: 0, max: 1023 }), { minLength: 7, maxLength: 7 }),
  })
  .map(({ edges, clouds, blocks }) => {
    const block = (second: string, n: number): string => `${second}.${n >>> 2}.${(n & 3) * 64}/26`;
    const host = (name: string, net: string, last: number, pods: string): Host => ({ name, ip: `${net}.${last}`, pods });
    return {
      cloudPods: '10.234.0.0/16',
      connector: host('master', '10.22.46', 11, block('10.234', blocks[0])),
      clouds: Array.from({ length: clouds }, (_, i) => host(`node${i + 1}`, '10.22.46', 16 + i, block('10.234', blocks[1 + i]))),
      edges: Array.from({ length: edges }, (_, i) => host(`edge${i + 1}`, '10.40.0', 41 + i, block('192.168', blocks[4 + i]))),
    };
  });

it('in any cluster edge pods and cloud pods see each other as they are', () => {
  fc.assert(
    fc.property(clusters, (c) => {
      const net = network(clusterNetwork(c, generator()));
      for (const e of c.edges)
        for (const h of [c.connector, ...c.clouds])
          for (const [from, to] of [
            [e, h],
            [h, e],
          ]) {
            const sent = net.send(ping(podOf(from), podIp(to)));
            expect(sent).toBeAnswered();
            expect(sent).not.toBeMasqueraded();
          }
    }),
    { numRuns: 8 },
  );
});

it('the expectations of one cluster hold in any', () => {
  fc.assert(
    fc.property(clusters, (c) => {
      expect(
        network({ ...clusterNetwork(c, generator()), packets: suite(c) })
          .check()
          .verdicts.filter((v) => !v.ok),
      ).toEqual([]);
    }),
    { numRuns: 8 },
  );
});
