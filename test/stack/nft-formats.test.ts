/** What nft monitor trace and xtables-monitor --trace print, against recordings of the tools on Linux 6.18 (nft 1.0.6, iptables 1.8.9). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVERYTHING } from '../../src/render/narrow.js';
import { nftPacketWords } from '../../src/render/nft-packet.js';
import { renderNftTrace } from '../../src/render/nft-trace.js';
import { packetWords, renderXtablesMonitor } from '../../src/render/xtables-monitor.js';
import type { PacketView } from '../../src/trace/event.js';
import { recordedDir, runFile } from './nft-lab.js';

const lines = (file: string): string[] =>
  readFileSync(`${recordedDir}${file}`, 'utf8')
    .split('\n')
    .filter((l) => l !== '' && !l.startsWith('#'));

function viewOf(hex: string): PacketView {
  const frame = Uint8Array.from(hex.match(/../g)!, (b) => Number.parseInt(b, 16));
  const data = frame.subarray(14);
  return { protocol: frame[12] * 256 + frame[13], data, eth: { dst: 0x020000000001, src: 0x02000000000a }, mark: 0, uid: null, gid: null, length: data.length };
}

describe('packets of all kinds', () => {
  const recorded = lines('packets.txt').map((l) => l.split('; '));
  it('nft', () => {
    for (const [hex, nft] of recorded) expect(nftPacketWords(viewOf(hex), 'ether').join(' ')).toBe(nft);
  });
  it('xtables-monitor', () => {
    for (const [hex, , xt] of recorded) expect(packetWords(viewOf(hex), 'ether').join(' ')).toBe(xt);
  });
});

/** Away with what the machines chose: trace ids, IP ids, ICMP ids and payload, windows, DF of ping. */
const chosen = (l: string): string =>
  l
    .replace(/trace id [0-9a-f]+/, 'trace id X')
    .replace(/(PACKET|TRACE): (2|10) [0-9a-f]+/, '$1: $2 X')
    .replace(/ ip id \d+/, '')
    .replace(/ ID=\d+/, '')
    .replace(/icmp id \d+ icmp sequence \d+ .*$/, '')
    .replace(/ tcp window \d+/, '')
    .replace(' DF ', ' ')
    .replace(/ +$/, '');

describe('a router’s whole trace', () => {
  const run = runFile('router.yaml');
  it.each([
    ['nft-trace', renderNftTrace],
    ['xtables-monitor', renderXtablesMonitor],
  ] as const)('%s', (name, render) => {
    const ours = render(run, { narrow: EVERYTHING }).trimEnd().split('\n').map(chosen);
    expect(ours).toEqual(lines(`router.${name}`));
  });
});

describe('handles', () => {
  it('without a listing the output says where they come from', () => {
    const run = runFile('two-backends.yaml');
    const out = renderNftTrace(run, { narrow: EVERYTHING }).split('\n');
    expect(out[0]).toMatch(/^# host: .*fresh iptables-nft-restore$/);
    expect(out.some((l) => l.includes('ip nat DOCKER unknown rule handle 11 (verdict accept)'))).toBe(true);
    expect(renderXtablesMonitor(run, { narrow: EVERYTHING })).toContain(
      'nat:DOCKER:rule:0xb:ACCEPT  -4 -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    );
  });
});
