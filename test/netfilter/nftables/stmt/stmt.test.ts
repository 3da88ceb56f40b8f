/** Statements of nft rules: what they do to packets, in the model and on the kernel at hand. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Came, hexOf, modelOf, readCases, type StmtCase, wordsOf } from './cases.js';
import { KernelWorld, lacking } from './kernel.js';

const cases = readCases();
const shown = (c: StmtCase, came: readonly Came[]): string => c.packets.map((p, i) => [`< ${p.dev} ${p.text}`, ...wordsOf(came[i])].join('\n')).join('\n');
const wanted = (c: StmtCase): string => c.packets.map((p) => [`< ${p.dev} ${p.text}`, ...p.expected].join('\n')).join('\n');

describe('in the model', () => {
  for (const c of cases) {
    it(`${c.file}: ${c.title}`, () => {
      expect(shown(c, modelOf(c))).toBe(wanted(c));
    });
  }
});

/** Identification and header checksum of IPv4 packets that the router makes are free, and the flow label of its ICMPv6 errors. */
function comparable({ dev, frame }: Came['frames'][number]): string {
  const b = frame.slice();
  if (b[12] === 8 && ((b[26] === 10 && b[29] === 1) || (b[23] === 1 && b[34] === 3))) b.fill(0, 18, 20).fill(0, 24, 26);
  // The listener's number is drawn.
  if (b[12] === 8 && b[23] === 6 && b[47] === 0x12) b.fill(0, 38, 42).fill(0, 50, 52);
  if (b[12] === 0x86 && b[20] === 6 && b[67] === 0x12) b.fill(0, 15, 18).fill(0, 58, 62).fill(0, 70, 72);
  if (b[12] === 0x86 && b[20] === 58 && b[54] < 128) b.fill(0, 15, 18);
  return `${dev} ${hexOf(b)}`;
}

const why = lacking();
describe.skipIf(why !== null)(`on this kernel${why === null ? '' : ` (SKIPPED: ${why})`}`, () => {
  let kernel: KernelWorld;
  beforeAll(async () => {
    kernel = await KernelWorld.make();
  }, 20_000);
  afterAll(() => kernel.close());
  for (const c of cases.filter((x) => x.onlyModel === null)) {
    // Times pass while a busy machine does something else.
    it(`${c.file}: ${c.title}`, { retry: 2, timeout: 20_000 }, async () => {
      const listed = { ...c, nft: await kernel.load(c) };
      const came = await kernel.run(c);
      expect(shown(c, came)).toBe(wanted(c));
      if (c.badListing === null) expect(shown(c, modelOf(listed)), 'of the listing').toBe(wanted(c));
      expect(came.map((x) => x.frames.map(comparable))).toEqual(modelOf(c).map((x) => x.frames.map(comparable)));
    });
  }
});
