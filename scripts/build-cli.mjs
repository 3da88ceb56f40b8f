/**
 * The command line as one bundle, dist/cli/sim.cjs, and a code cache for each command that people wait for (bin/start.cjs loads both). Commands that
 * start threads or programs of their own stay modules, as tsc has written them: there they find the files beside them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const modules = ['./commands/conformance.js', './commands/lab.js', './commands/sweep.js'];

const bundle = (outfile, external) =>
  build({
    entryPoints: ['src/cli/main.ts'],
    outfile,
    bundle: true,
    external,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    charset: 'ascii',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    define: { 'import.meta.url': '__url' },
    banner: { js: "var __url=require('node:url').pathToFileURL(__filename).href;" },
  });

await bundle('dist/cli/sim.cjs', modules);
// Help, and commands that stay modules: all that is needed is the list of commands.
await bundle('dist/cli/help.cjs', ['./commands/*']);

// A script that comes out of a code cache cannot import(): its loader does it for it.
for (const file of ['dist/cli/sim.cjs', 'dist/cli/help.cjs']) {
  const code = readFileSync(file, 'latin1').replaceAll(/\bimport\(("\.\/commands\/)/g, '__import($1');
  if (/[^\0-\x7f]|\bimport\(/.test(code)) throw new Error(`${file}: plain ASCII without import() is wanted`);
  writeFileSync(file, code);
}

/** What a user would run; its functions go into the cache of that command. */
const scenario = 'rp-filter/loose-on-one-interface';
const runs = {
  help: ['--help'],
  run: ['run', scenario],
  test: ['test', scenario],
  'what-if': ['what-if', scenario],
  list: ['list'],
  explain: ['explain', 'IP_RPFILTER'],
};

rmSync('dist/cli/cache', { recursive: true, force: true });
mkdirSync('dist/cli/cache', { recursive: true });
const found = `scenarios/${scenario}.yaml`;
for (const [name, args] of Object.entries(runs)) {
  const argv = args.map((a) => (a === scenario ? found : a));
  if (argv.includes(found) && !existsSync(found)) continue;
  try {
    execFileSync(process.execPath, ['bin/sim.mjs', ...argv], { env: { ...process.env, SIM_MAKE_CODE_CACHE: `dist/cli/cache/${name}.bin` }, stdio: 'ignore' });
  } catch (e) {
    // A command that says no (exit status) has left its cache all the same; without one the command starts a little later.
    if (typeof e.status !== 'number') throw e;
  }
}
