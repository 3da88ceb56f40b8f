/**
 * `npm run bench [-- P1 P3 …]`: the ratios of the speed goals, ours and the kernel's side by side. Bundles bench/ first: what is measured is what is shipped, not what a
 * loader makes of the sources.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const out = mkdtempSync(join(tmpdir(), 'sim-bench-'));
try {
  await build({
    entryPoints: ['bench/main.ts', 'bench/load.ts'],
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    minifySyntax: true,
    logLevel: 'warning',
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=32', join(out, 'main.mjs'), out, ...process.argv.slice(2)], { stdio: 'inherit' });
} finally {
  rmSync(out, { recursive: true, force: true });
}
