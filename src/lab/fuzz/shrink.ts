/** Makes a case that differs smaller: leaves lines and steps out for as long as the same kind of difference remains. */
import type { CaseScore } from '../../harness/conformance/score.js';
import type { CaseSpec } from '../case-spec.js';

/** Enough for every part to be halved away a few times; a bound, since each trial asks the kernel. */
const TRIALS = 160;

const PARTS = ['nft', 'rules', 'rules4', 'steps', 'ip', 'ip4', 'sysctls', 'sets', 'sockets', 'chains', 'chains4', 'ebtables', 'bridge', 'devices'] as const;

const kindOf = (s: CaseScore): string => `${s.firstDifference?.area}`;

/** `trial`: the score of a case, null when it cannot be built. */
export async function shrink(spec: CaseSpec, score: CaseScore, trial: (s: CaseSpec) => Promise<CaseScore | null>): Promise<CaseSpec> {
  const wanted = kindOf(score);
  let left = TRIALS;
  const fails = async (s: CaseSpec): Promise<boolean> => {
    if (left-- <= 0) return false;
    const r = await trial(s);
    return r !== null && !r.exact && kindOf(r) === wanted;
  };
  let best = spec;
  const last = score.firstDifference?.step;
  if (last !== undefined) {
    const cut = { ...best, steps: best.steps.filter((s) => s.n <= last) };
    if (cut.steps.length < best.steps.length && (await fails(cut))) best = cut;
  }
  for (const part of PARTS) {
    best = await without(best, part, fails);
  }
  return best;
}

async function without(spec: CaseSpec, part: (typeof PARTS)[number], fails: (s: CaseSpec) => Promise<boolean>): Promise<CaseSpec> {
  let best = spec;
  const listOf = (s: CaseSpec): readonly unknown[] => s[part] ?? [];
  for (let size = Math.ceil(listOf(best).length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < listOf(best).length; ) {
      const list = listOf(best);
      const smaller = { ...best, [part]: [...list.slice(0, at), ...list.slice(at + size)] } as CaseSpec;
      if (await fails(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
