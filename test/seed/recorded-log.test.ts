/**
 * The kernel log of the report's cluster, whole lines: every recorded .full file against `--format kernel`.
 *
 * What cannot be the same, and is therefore taken out of both sides before comparing, each where it applies only:
 *  - IP ids (`ID=` in front of PROTO) of packets that were really sent; injected packets keep theirs.
 *  - MAC= of inner packets that came out of the tunnel between edge1 and master. The recording wrapped them in user space and sent them in on a TAP device with MACs of its own; with IPsec the
 *    inner packet keeps the frame's header (skb_mac_header_rebuild). The test checks that ours is the frame's.
 *  - UID= GID= of outer packets: the stand-ins sent them through raw sockets owned by root, the kernel's own ipip and ESP packets have no socket.
 *  - LEN= of ESP packets: the stand-in neither pads nor authenticates. DF of ESP stands as it does inside.
 *  - MARK= of outer packets on master and node1: the stand-in's packet is a new one, the kernel's carries the mark of the packet inside until Calico's raw OUTPUT clears it.
 *  - IN=, MAC= and PHYSIN= of outer packets in POSTROUTING (PHYSIN= also in OUTPUT): in the recording they came from a socket. The kernel's stem from the packet that came in: IN= is the tunnel device, or
 *    the device of the packet that IPsec wrapped; MAC= shows whatever stands where the link header pointer was left (seen with vxlan on 6.18), which is the packet inside for ipip, the middle of
 *    the outer header for ESP.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kernelLines } from '../../src/render/kernel.js';
import { type Narrowing, shownEvents } from '../../src/render/narrow.js';
import type { ScenarioRun } from '../../src/stack/run-scenario.js';
import { main, replay, root, variant } from './replay.js';

const recordedDir = `${root}test/seed/recorded`;
const recorded = (file: string): string[] =>
  readFileSync(`${recordedDir}/${file}`, 'utf8')
    .split('\n')
    .filter((l) => l !== '');

function log(run: ScenarioRun, narrow: Partial<Narrowing>): string[] {
  return run.packets
    .flatMap((p) => kernelLines(p, shownEvents(p, { node: null, packet: null, dir: null, layer: 'all', ...narrow })))
    .filter((l) => l.startsWith('TRACE:'));
}

const withoutId = (l: string): string => l.replace(/ ID=\d+ ((DF|MF|FRAG:\d+) )*PROTO/, ' PROTO');
const withoutMac = (l: string): string => l.replace(/ MAC=[0-9a-f:]*/, '');

describe('injected packets, byte for byte', () => {
  it.each([
    ['seed-master-to-node1.full', 'listing1', 'request'],
    ['seed-edge1-to-node1.full', 'listing2', 'request'],
    ['2-node1/listing1.inject.full', 'listing1', 'request'],
    ['2-node1/listing2.inject.full', 'listing2', 'request'],
  ] as const)('%s', (file, name, dir) => {
    expect(log(replay(variant(name)), { node: 'node1', dir, layer: 'inner' })).toEqual(recorded(file));
  });
  const combinations = readdirSync(`${recordedDir}/3-rpfilter`).filter((d) => d.startsWith('all'));
  it.each(combinations.flatMap((d) => readdirSync(`${recordedDir}/3-rpfilter/${d}`).map((f) => `${d}/${f}`)))('rp_filter %s', (file) => {
    const [dir, name] = file.split('/');
    const direction = name.includes('reply') ? 'reply' : 'request';
    const ours = log(replay(variant(`rpfilter-${dir}`)), { node: 'node1', dir: direction, layer: 'inner' });
    const theirs = recorded(`3-rpfilter/${file}`);
    if (direction === 'request') expect(ours).toEqual(theirs);
    else expect(ours.map(withoutId)).toEqual(theirs.map(withoutId));
  });
});

const EDGE1 = '02:00:0a:16:2e:29';
const MASTER = '02:00:0a:16:2e:0b';
/** A TAP of the recording's IPsec stand-in. */
const TAP = /MAC=([0-9a-f:]{17}):02:50:[0-9a-f:]+:08:00/;

describe('inner packets over all nodes', () => {
  const cases = readdirSync(`${recordedDir}/4-nodes`);
  it.each(
    cases.flatMap((c) =>
      readdirSync(`${recordedDir}/4-nodes/${c}`)
        .filter((f) => /^\w+\.(request|reply)\.full$/.test(f))
        .map((f) => `${c}/${f}`),
    ),
  )('%s', (file) => {
    const [name, base] = file.split('/');
    const [node, dir] = base.split('.');
    const ours = log(replay(variant(name)), { node, dir: dir as 'request' | 'reply', layer: 'inner' }).map(withoutId);
    const theirs = recorded(`4-nodes/${file}`).map(withoutId);
    expect(ours.map(withoutMac)).toEqual(theirs.map(withoutMac));
    theirs.forEach((t, i) => {
      const tap = TAP.exec(t);
      if (!tap) expect(ours[i]).toBe(t);
      else expect(ours[i]).toContain(node === 'master' ? `MAC=${MASTER}:${EDGE1}:08:00` : `MAC=${EDGE1}:${MASTER}:08:00`);
    });
  });
});

describe('outer packets', () => {
  const cases = readdirSync(`${recordedDir}/4-nodes`).filter((c) => readdirSync(`${recordedDir}/4-nodes/${c}`).some((f) => /\.(ipip|esp)-/.test(f)));
  const strip = (l: string): string =>
    withoutId(l)
      .replace(/ UID=0 GID=0/, '')
      .replace(/ MARK=0x[0-9a-f]+/, '')
      .replace(/ LEN=\d+( .* PROTO=ESP)/, '$1')
      .replace(/ PHYSIN=\w+/, '')
      .replace(/(POSTROUTING|-POSTROUTING|-snat|-outgoing|-OUTGOING)(:\w+:\d+) IN=\S* OUT=(\S+) (MAC=\S* )?/, '$1$2 OUT=$3 ');
  it.each(
    cases.flatMap((c) =>
      readdirSync(`${recordedDir}/4-nodes/${c}`)
        .filter((f) => /\.(ipip|esp)-/.test(f) && f.endsWith('.full'))
        .map((f) => `${c}/${f}`),
    ),
  )('%s', (file) => {
    const [name, base] = file.split('/');
    const [, node, kind, src, dst] = /^(\w+)\.(ipip|esp)-([\d.]+)-([\d.]+)\.full$/.exec(base) ?? [];
    const ours = log(replay(variant(`${name}-outer`)), { node }).filter(
      (l) => l.includes(` SRC=${src} DST=${dst} `) && l.includes(kind === 'ipip' ? ' PROTO=4' : ' PROTO=ESP'),
    );
    expect(ours.map(strip)).toEqual(recorded(`4-nodes/${file}`).map(strip));
  });
});

it('log_martians', () => {
  const run = replay(variant('listing2'), ['node1: sysctl -w net.ipv4.conf.all.log_martians=1']);
  const lines = run.packets.flatMap((p) => kernelLines(p, p.events)).filter((l) => !l.startsWith('TRACE:'));
  // tunl0 has no link header, so no `ll header:` line follows.
  expect(lines).toEqual(recorded('2-node1/log_martians.txt'));
});

it('--trace-all flags packets before their first hook and changes no rule number', () => {
  const some = log(replay(main), { node: 'node1', packet: 'edge1-to-node1', dir: 'request', layer: 'inner' });
  const all = log(replay(main, [], true), { node: 'node1', packet: 'edge1-to-node1', dir: 'request', layer: 'inner' });
  expect(all.slice(-some.length)).toEqual(some);
  // Calico's raw chain and the TRACE rule itself come first.
  expect(all.length).toBeGreaterThan(some.length);
  expect(all[0]).toContain('raw:PREROUTING:rule:1 ');
});
