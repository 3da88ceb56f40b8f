import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // Tests that drive a kernel or the built package need a while on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
