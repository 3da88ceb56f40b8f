import { defineConfig } from 'vitest/config';

const source = (path: string): string => new URL(`src/${path}`, import.meta.url).pathname;

const COMMAND_LINE = 'test/cli/**/*.test.ts';

export default defineConfig({
  // Examples import the package by its name, as a user does, and run without a build.
  resolve: {
    alias: [
      { find: /^netfilter-sim\/(vitest|fast-check)$/, replacement: source('harness/$1.ts') },
      { find: /^netfilter-sim$/, replacement: source('index.ts') },
    ],
  },
  test: {
    projects: [
      // Most files share what they import: nothing there has a state that tests could leave to one another, and loading it anew takes longer than the tests do.
      { extends: true, test: { name: 'shared', isolate: false, include: ['test/**/*.test.ts', 'examples/**/*.test.ts'], exclude: [COMMAND_LINE] } },
      // The command line holds on to the process it runs in.
      { extends: true, test: { name: 'command line', include: [COMMAND_LINE] } },
    ],
    // One worker for each core: the default leaves one free, which of two is half the machine.
    maxWorkers: '100%',
    // Tests that drive a kernel or the built package need a while on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
