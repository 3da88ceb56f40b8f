/** Every recorded case of the repo-local corpus is replayed and must agree with Linux in every scored field; a seeded sample of a larger corpus likewise. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CaseInput, caseInput, type CorpusCase } from '../../src/harness/conformance/corpus.js';
import { modelCase } from '../../src/harness/conformance/model-case.js';
import { runCase } from '../../src/harness/conformance/run.js';
import { visibleModel } from '../../src/harness/conformance/unobserved.js';
import { type CorpusFile, largeCorpus, largeCorpusFolder, localCorpus, readCase } from './corpus-files.js';

const known = new Map(
  readFileSync(new URL('./known-differences.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((l) => l.trim() !== '' && !l.startsWith('#'))
    .map((l) => [l.split(/\s+/)[0], l.replace(/^\S+\s+/, '')] as const),
);

/** Ids that end in `*` stand for all that begin so: features that are not there yet. */
const unfinished = [...known.keys()].filter((id) => id.endsWith('*')).map((id) => id.slice(0, -1));
const isUnfinished = (id: string): boolean => unfinished.some((p) => id.startsWith(p));

/** What is wrong with a case: '' when it is exact, otherwise its first difference. */
function verdict(c: CorpusCase): string {
  const { score } = runCase(c, modelCase);
  return score.exact ? '' : `${c.id} ${JSON.stringify(score.firstDifference)}`;
}

describe('recorded cases of the repository', () => {
  for (const f of localCorpus()) {
    it(`agree with the kernel: ${f.category}`, () => {
      const wrong: string[] = [];
      for (const l of f.lines) {
        const c = readCase(f, l);
        if (isUnfinished(c.id)) continue;
        const v = verdict(c);
        if (known.has(c.id) ? v === '' : v !== '') wrong.push(v === '' ? `${c.id} agrees: take it off known-differences.txt` : v);
      }
      expect(wrong).toEqual([]);
    });
  }

  it('known differences name cases that exist', () => {
    const ids = new Set(localCorpus().flatMap((f) => f.lines.map((l) => readCase(f, l).id)));
    expect([...known.keys()].filter((id) => !id.endsWith('*') && !ids.has(id))).toEqual([]);
  });
});

describe('nothing that was observed reaches the engine', () => {
  it('emits the same bytes without it', () => {
    for (const f of localCorpus()) {
      for (const l of f.lines.slice(0, 6)) {
        const c = readCase(f, l);
        const bare = JSON.parse(l.text) as { steps: { observed?: unknown; result?: unknown }[] };
        for (const s of bare.steps) {
          delete s.observed;
          delete s.result;
        }
        if (isUnfinished(c.id)) continue;
        expect(JSON.stringify(visibleModel(c, modelCase(bare as unknown as CaseInput))), c.id).toBe(JSON.stringify(runCase(c, modelCase).model));
      }
    }
  });

  it('and is not in what it is given', () => {
    for (const f of localCorpus()) {
      const text = JSON.stringify(caseInput(readCase(f, f.lines[0])).steps);
      expect(text).not.toContain('"observed"');
      expect(text).not.toContain('"result"');
    }
  });

  it('two runs are identical', () => {
    for (const f of localCorpus()) {
      const c = readCase(f, f.lines[1]);
      if (isUnfinished(c.id)) continue;
      expect(JSON.stringify(modelCase(caseInput(c)))).toBe(JSON.stringify(modelCase(caseInput(c))));
    }
  });
});

const SAMPLE = 12;
/** Lines of a file chosen by a seed (xorshift32), $SEED or 1. */
function sample(f: CorpusFile): CorpusFile['lines'] {
  let s = (Number(process.env.SEED ?? 1) * 2654435761) >>> 0 || 1;
  const lines = [...f.lines];
  const out: CorpusFile['lines'][number][] = [];
  while (out.length < SAMPLE && lines.length > 0) {
    s ^= s << 13;
    s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    out.push(...lines.splice(s % lines.length, 1));
  }
  return out;
}

const folder = largeCorpusFolder();
describe(folder === null ? 'a larger corpus: NONE FOUND ($CORPUS, ../shared/kernel-corpus), nothing sampled' : `a sample of ${folder}`, () => {
  it.skipIf(folder === null)(
    'agrees with the kernel',
    () => {
      const wrong: string[] = [];
      for (const f of largeCorpus(folder as string)) {
        for (const l of sample(f)) {
          const c = readCase(f, l);
          const v = isUnfinished(c.id) ? '' : verdict(c);
          if (v !== '' && !known.has(c.id)) wrong.push(v);
        }
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );
});
