/** The shape that is asked first says of every file what the schema says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenarioFiles } from '../../src/cli/files.js';
import { moreSchema, scenarioSchema } from '../../src/scenario/schema.js';
import { fits } from '../../src/scenario/shape.js';
import { shapes } from '../../src/scenario/shapes.js';
import { plain, treeOf } from '../../src/scenario/tree.js';
import { parseTree } from '../../src/scenario/yaml.js';

const nowhere = { file: '', line: 1, column: 1, length: 0 };
const library = scenarioFiles(join(import.meta.dirname, '../../scenarios')).map((f) => {
  const { tree } = parseTree(readFileSync(f, 'utf8'), f);
  if (!tree) throw new Error(f);
  return [f, plain(tree)] as const;
});

function same(value: unknown): void {
  const tree = treeOf(value, nowhere);
  expect(fits(shapes.scenario, tree)).toBe(scenarioSchema.safeParse(plain(tree)).success);
  expect(fits(shapes.more, tree)).toBe(moreSchema.safeParse(plain(tree)).success);
}

/** Every place in a value: how to put another there. */
function places(v: unknown, put: (x: unknown) => unknown): ((x: unknown) => unknown)[] {
  const below = Array.isArray(v)
    ? v.flatMap((item, i) => places(item, (x) => put(v.with(i, x))))
    : typeof v === 'object' && v !== null
      ? Object.entries(v).flatMap(([k, item]) => places(item, (x) => put({ ...v, [k]: x })))
      : [];
  return [put, ...below];
}

describe('the shape of a scenario file', () => {
  it('takes and refuses the files of the library as the schema does', () => {
    for (const [, value] of library) same(value);
    expect(library.filter(([, value]) => fits(shapes.scenario, treeOf(value, nowhere))).length).toBeGreaterThan(30);
  });

  it('fits or not with any value in any place, as the schema says', () => {
    const odd = fc.oneof(
      fc.constantFrom<unknown>('text', '', 0, 1, -1, 1.5, 65535, 65536, 1e300, Number.POSITIVE_INFINITY, Number.NaN, true, false, null, [], {}, ['a'], [1]),
      fc.constantFrom<unknown>(
        'tcp',
        'dropped',
        'answered',
        'established',
        { file: 'a' },
        { file: 1 },
        { a: 'b' },
        { a: 1 },
        [{ a: 'b' }],
        { expect: {} },
        undefined,
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(fc.nat(library.length - 1), fc.nat(), odd, (which, at, value) => {
        const all = places(library[which][1], (x) => x);
        same(all[at % all.length](value));
      }),
      { numRuns: 200 },
    );
  });

  it('knows the keys that are wanted', () => {
    for (const key of ['version', 'nodes']) same(Object.fromEntries(Object.entries(library[0][1] as object).filter(([k]) => k !== key)));
  });
});
