/**
 * What tcpdump saw in the report's cluster against `--format tcpdump`, without times. Taken out: lines of fabsec0 (the recording's stand-in for IPsec is a device, IPsec is none),
 * length and sequence number of ESP packets (the stand-in neither pads nor authenticates, and counted on over several runs). The pods were captured with -i eth0: no device and direction there.
 * The captures of correct-master-pod recorded nothing at all, on any node, although its ping was answered; they are left out.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPcap } from '../../src/packet/pcap.js';
import { EVERYTHING } from '../../src/render/narrow.js';
import { renderPcap, renderTcpdump } from '../../src/render/tcpdump.js';
import { replay, root, variant } from './replay.js';

const dir = `${root}test/seed/recorded/4-nodes`;
const lines = (text: string): string[] =>
  text
    .split('\n')
    .filter((l) => l.trim() !== '')
    .map((l) => l.replace(/^ \d\d:\d\d:\d\d\.\d{6} /, '').replace(/,seq=0x[0-9a-f]+\), length \d+/, ')'));
const ours = (name: string, node: string): string[] => lines(renderTcpdump(replay(variant(name)), { narrow: { ...EVERYTHING, node } }));

describe('tcpdump', () => {
  const all = readdirSync(dir).flatMap((c) =>
    readdirSync(`${dir}/${c}`)
      .filter((f) => f.startsWith('tcpdump.'))
      .map((f) => `${c}/${f}`),
  );
  it.each(all)('%s', (file) => {
    const [name, base] = file.split('/');
    const where = base.split('.')[1];
    const pod = where.startsWith('pod-');
    const theirs = lines(readFileSync(`${dir}/${file}`, 'utf8')).filter((l) => !l.startsWith('fabsec0'));
    const mine = ours(name, pod ? where.replace('pod-', 'net-tool-') : where);
    expect(pod ? mine.map((l) => l.replace(/^eth0 +\w+ +/, '')) : mine).toEqual(theirs);
  });
  it('node1, rp_filter off, two echoes', () => {
    const file = `${root}test/seed/recorded/3-rpfilter/off-tcpdump.node1.txt`;
    expect(existsSync(file)).toBe(true);
    // Injected at tunl0 in the recording: the outer packet is not there.
    expect(ours('off-two-pings', 'node1').filter((l) => !/^eth0 +In/.test(l))).toEqual(lines(readFileSync(file, 'utf8')));
  });
});

it('pcap holds the same packets', () => {
  const run = replay(variant('correct'));
  const { value, diagnostics } = readPcap(renderPcap(run, { narrow: EVERYTHING }));
  expect(diagnostics).toEqual([]);
  expect(value).toHaveLength(renderTcpdump(run, { narrow: EVERYTHING }).trimEnd().split('\n').length);
});
