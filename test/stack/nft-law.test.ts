/**
 * The same rules through iptables-legacy and iptables-nft decide alike: cases recorded with the legacy backend, replayed with the nft one, come to the same
 * frames, drops and deliveries. (Counters of the nat and security chains of INPUT differ: iptables-nft has them in the other order.)
 */
import { describe, expect, it } from 'vitest';
import type { CorpusCase } from '../../src/harness/conformance/corpus.js';
import { modelCase } from '../../src/harness/conformance/model-case.js';
import { runCase } from '../../src/harness/conformance/run.js';
import { localCorpus, readCase } from '../kernel/corpus-files.js';

describe('legacy and nft decide alike', () => {
  it.each(['xt', 'v6'])('%s', (category) => {
    const file = localCorpus().find((f) => f.category === category)!;
    const cases = file.lines.map((l): CorpusCase => ({ ...readCase(file, l), backend: 'nft' }));
    expect(cases.length).toBeGreaterThan(0);
    const differing = cases.filter((c) => !runCase(c, modelCase).score.outcomeExact).map((c) => c.id);
    expect(differing).toEqual([]);
  });
});
