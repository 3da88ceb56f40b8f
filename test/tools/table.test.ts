/** The table of tools: each program that it names is answered for by the file behind it. */
import { expect, it } from 'vitest';
import { findTool, toolNames } from '../../src/tools/index.js';

it.each(toolNames())('%s', (name) => {
  const tool = findTool(name);
  expect(tool?.names).toContain(name);
  expect(findTool(`/usr/sbin/${name}`)).toBe(tool);
  for (const other of tool?.names ?? []) expect(findTool(other)).toBe(tool);
  expect(tool?.change ?? tool?.act ?? tool?.answer).toBeTypeOf('function');
});
