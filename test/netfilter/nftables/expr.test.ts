/** Expressions of nft: what rules match which packets (expr/*.t), in the model and, where root and nft are, on the kernel at hand. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNftList } from '../../../src/formats/nft-list.js';
import { KernelWorld, lacking } from './expr/kernel.js';
import { type ExprTable, type Matches, modelError, modelMatches, type Row, readTable, shown, tableFiles } from './expr/tables.js';

const tables = tableFiles.map(readTable);
const matching = (t: ExprTable): readonly Row[] => t.rows.filter((r) => typeof r.expected !== 'string');
const wanted = (rows: readonly Row[]): string[] => rows.map((r) => shown(r, r.expected));
const got = (rows: readonly Row[], m: Matches): string[] => rows.map((r) => shown(r, m.get(r) ?? []));

describe('rules in the model', () => {
  it.each(tables)('$name', (t) => {
    const rows = matching(t);
    expect(rows.map((r) => modelError(t, r)).filter((e) => e !== null)).toEqual([]);
    expect(got(rows, modelMatches(t, rows))).toEqual(wanted(rows));
  });

  it.each(tables)('$name: what is not modelled is said', (t) => {
    for (const r of t.rows) if (r.expected === '?') expect(modelError(t, r), r.rule).toMatch(/^not modelled: /);
  });
});

const lacks = lacking();
if (lacks !== null) console.warn(`SKIPPED: expressions of nft on the kernel at hand: ${lacks}`);

describe.skipIf(lacks !== null)('rules on the kernel', () => {
  describe.each([false, true])('bridge: %s', (bridge) => {
    let world: KernelWorld;
    beforeAll(async () => {
      world = await KernelWorld.make(bridge);
    });
    afterAll(() => world.close());

    it.each(tables.filter((t) => (t.family === 'bridge') === bridge))(
      '$name',
      async (t) => {
        const rows = matching(t).filter((r) => r.onKernel);
        expect(await world.load(t, rows)).toBeNull();
        let came = got(rows, await world.matches(t, rows));
        // On a busy machine what the kernel sends by itself may fall between: what is wrong is so again.
        for (let again = 0; again < 2 && came.join() !== wanted(rows).join(); again++) came = got(rows, await world.matches(t, rows));
        expect(came).toEqual(wanted(rows));
        // What nft lists of the rules means the same to the model.
        const listed = rows.filter((r) => r.listed);
        await world.load(t, listed);
        const listing = await world.listing();
        expect(readNftList(listing).value[0].chains[0].rules.length).toBe(listed.length);
        expect(got(listed, modelMatches(t, listed, listing))).toEqual(wanted(listed));
      },
      30_000,
    );

    it.each(tables.filter((t) => (t.family === 'bridge') === bridge))('$name: what nft refuses', async (t) => {
      for (const r of t.rows) if (r.expected === 'FAIL') expect(await world.load(t, [r]), r.rule).not.toBeNull();
    });
  });
});
