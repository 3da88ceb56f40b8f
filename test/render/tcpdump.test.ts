/** Frames as tcpdump 4.99.3 prints them (`tcpdump -nt -r`), in one capture: sequence numbers are relative to earlier segments. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hexBytes } from '../../src/harness/conformance/hex.js';
import { TcpdumpText } from '../../src/render/tcpdump-text.js';

const rows = readFileSync(new URL('tcpdump.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((l) => l !== '')
  .map((l) => JSON.parse(l) as { name: string; frame: string; text: string });

it('prints what tcpdump prints', () => {
  const text = new TcpdumpText();
  const ours = rows.map((r) => {
    const f = hexBytes(r.frame);
    return `${r.name}: ${text.packet((f[12] << 8) | f[13], f.subarray(14))}`;
  });
  expect(ours).toEqual(rows.map((r) => `${r.name}: ${r.text}`));
});
