import { defineConfig } from 'vitest/config';

const source = (path: string): string => new URL(`src/${path}`, import.meta.url).pathname;

export default defineConfig({
  // Examples import the package by its name, as a user does, and run without a build.
  resolve: {
    alias: [
      { find: /^netfilter-sim\/(vitest|fast-check)$/, replacement: source('harness/$1.ts') },
      { find: /^netfilter-sim$/, replacement: source('index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // One worker for each core: the default leaves one free, which of two is half the machine.
    maxWorkers: '100%',
    // Tests that drive a kernel or the built package need a while on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
