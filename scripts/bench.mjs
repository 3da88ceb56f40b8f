/**
 * `npm run bench [-- P1 P3 …]`: the ratios of the speed goals, ours and the kernel's side by side. Bundles bench/ first: what is measured is what is shipped, not what a
 * loader makes of the sources.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** A part that is loaded when its function is first called, as in the command line that is shipped (build-cli.mjs). */
const onCall = (file, name) => ({
  name: file,
  setup(b) {
    b.onResolve({ filter: /\?whole$/ }, ({ path }) => ({ path: path.slice(0, -'?whole'.length), suffix: '?whole' }));
    b.onLoad({ filter: new RegExp(`/${file}$`) }, ({ path, suffix }) => {
      const call = `export const ${name} = (...a) => require(${JSON.stringify(`${path}?whole`)}).${name}(...a);`;
      return suffix === '?whole' ? undefined : { contents: call, resolveDir: dirname(path) };
    });
  },
});

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
    plugins: [onCall('src/base/ip-num.ts', 'numberOfIPv6')],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=32', join(out, 'main.mjs'), out, 'all', ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
} finally {
  rmSync(out, { recursive: true, force: true });
}
