/** Rules recorded from the tools: taken or refused alike, printed alike. The format is that of iptables' own extension tables (formats/ext-table.ts). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scoreExtensionTable } from '../../../../src/formats/ext-table.js';

const dir = import.meta.dirname;
const files = readdirSync(dir).filter((f) => f.endsWith('.t'));

test.each(files)('%s', (file) => {
  const score = scoreExtensionTable(readFileSync(join(dir, file), 'utf8'), file);
  expect(score.failed).toEqual([]);
  expect(score.ok).toBeGreaterThan(0);
});
