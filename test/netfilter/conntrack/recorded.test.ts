/**
 * Packet sequences replayed against what Linux 6.18.44 made of them: a router in a network namespace, raw frames in on both sides, what
 * `--ctstate` said of each and its line of /proc/net/nf_conntrack afterwards ('' = no entry). One sequence a line:
 * [direction, IP packet in hex, ctstate, line without use=].
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatEntry } from '../../../src/formats/conntrack.js';
import { entryOf } from '../../../src/netfilter/conntrack/entry.js';
import { Lab } from './harness.js';

type Recorded = readonly (readonly ['>' | '<', string, string, string])[];
const load = (name: string): Recorded[] =>
  readFileSync(new URL(`recorded/${name}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((l) => JSON.parse(l) as Recorded);
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));

/** The kernel's clock ran on while recording: a second less is the same. */
function withTimeout(line: string, like: string): string {
  const words = line.split(' ');
  const recorded = like.split(' ');
  if (Math.abs(Number(words[4]) - Number(recorded[4])) <= 1) words[4] = recorded[4];
  return words.join(' ');
}

describe.each(['tcp', 'sctp'])('%s as the kernel tracked it', (name) => {
  it.each(load(name).map((r, i) => [i, r] as const))('sequence %i', (_i, sequence) => {
    const lab = new Lab();
    for (const [i, [, packet, state, entry]] of sequence.entries()) {
      const said = lab.forward(lab.skb(bytes(packet)));
      const [ct] = [...lab.ct.entries()];
      const line = ct
        ? formatEntry(entryOf(ct, lab.time), 'proc')
            .replace(/ use=\d+/, '')
            .replace(/ +/g, ' ')
        : '';
      expect([i, said, withTimeout(line, entry)]).toEqual([i, state, entry]);
    }
  });
});
