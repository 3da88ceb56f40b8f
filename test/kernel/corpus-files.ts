/** The recorded cases that the tests use: the repo's own under test/kernel, and a larger corpus where there is one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { CorpusCase } from '../../src/harness/conformance/corpus.js';
import { type CorpusLine, corpusLines, parseCase } from '../../src/harness/conformance/corpus-read.js';

const here = dirname(fileURLToPath(import.meta.url));

export interface CorpusFile {
  readonly category: string;
  readonly path: string;
  readonly lines: readonly CorpusLine[];
}

function readFolder(folder: string): CorpusFile[] {
  return readdirSync(folder)
    .filter((f) => f.endsWith('.jsonl.gz'))
    .sort()
    .map((f) => ({ category: f.replace(/\.jsonl\.gz$/, ''), path: join(folder, f), lines: corpusLines(gunzipSync(readFileSync(join(folder, f))).toString('utf8')) }));
}

let local: CorpusFile[] | null = null;
/** The repo-local corpus: about 40 cases of each category. */
export function localCorpus(): readonly CorpusFile[] {
  local ??= readFolder(here);
  return local;
}

/** Folder of the larger corpus: $CORPUS, or ../shared/kernel-corpus beside the repository; null when there is none. */
export function largeCorpusFolder(): string | null {
  const folder = process.env.CORPUS ?? join(here, '../../../shared/kernel-corpus');
  return existsSync(folder) ? folder : null;
}

export const largeCorpus = (folder: string): readonly CorpusFile[] => readFolder(folder);

export function readCase(file: CorpusFile, line: CorpusLine): CorpusCase {
  const p = parseCase(line, file.path);
  if (!p.value) throw new Error(`${file.path}:${line.line}: ${p.diagnostics[0]?.message}`);
  return p.value;
}
