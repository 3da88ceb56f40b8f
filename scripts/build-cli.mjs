/**
 * The command line as one bundle, dist/cli/sim.cjs, and a code cache for each command that people wait for (bin/sim.cjs loads both). Some
 * commands stay modules, as tsc has written them: there they find the files beside them.
 *
 * `build-cli.mjs [ROOT]`: ROOT/dist/cli is written, ROOT/bin/sim.cjs is there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const out = resolve(process.argv[2] ?? '.', 'dist/cli');
const modules = ['./commands/conformance.js', './commands/lab.js'];

/** Parts that most runs do without: their first call loads them, and the libraries behind them. They export functions only. */
const onCall = [
  'src/base/ip-num.ts',
  'src/cli/generators.ts',
  'src/formats/bridge.ts',
  'src/formats/conntrack.ts',
  'src/formats/ebtables-save.ts',
  'src/formats/ip-addr.ts',
  'src/formats/ip-link.ts',
  'src/formats/ip-route-text.ts',
  'src/formats/ipset-save.ts',
  'src/formats/iptables-save.ts',
  'src/formats/xfrm.ts',
  'src/render/json.ts',
  'src/render/kernel.ts',
  'src/render/mermaid.ts',
  'src/render/nft-trace.ts',
  'src/render/story.ts',
  'src/render/tcpdump.ts',
  'src/render/xtables-monitor.ts',
  'src/scenario/schema-issues.ts',
  'src/scenario/snapshot.ts',
  'src/scenario/what-if.ts',
  'src/tools/apply.ts',
  'src/tools/execute.ts',
];
/** Parts that are values which take long to make and are written down here. */
const made = ['src/scenario/shapes.ts'];
/** Node's own modules that libraries ask for in vain. */
const builtins = ['node:child_process'];

const parts = {
  name: 'parts of the command line',
  setup(b) {
    b.onResolve({ filter: /\?whole$/ }, (a) => ({ path: resolve(a.resolveDir, a.path.slice(0, -'?whole'.length)), suffix: '?whole' }));
    b.onLoad({ filter: exactly(onCall) }, ({ path, suffix }) => (suffix === '?whole' ? undefined : { contents: calling(path), resolveDir: dirname(path) }));
    b.onLoad({ filter: exactly(made) }, async ({ path }) => ({ contents: await valuesOf(path) }));
    b.onResolve({ filter: exactly(builtins) }, ({ path, kind }) =>
      kind === 'require-call' && path.startsWith('node:') ? { path, namespace: 'builtin' } : undefined,
    );
    b.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: asking(path), loader: 'js' }));
  },
};

const exactly = (names) => new RegExp(`(^|/)(${names.map((n) => n.replaceAll('.', '\\.')).join('|')})$`);

function calling(path) {
  const names = [...readFileSync(path, 'utf8').matchAll(/^export (?!type |interface )(?:function (\w+)|const (\w+) = \()?.*/gm)].map(([line, ...names]) => {
    const name = names.find((n) => n);
    if (!name) throw new Error(`${path} is loaded on call and has to export functions only, not ${line}`);
    return name;
  });
  const calls = names.map((n) => `export const ${n} = (...a) => whole().${n}(...a);\n`).join('');
  return `let loaded;\nconst whole = () => (loaded ??= require(${JSON.stringify(`${path}?whole`)}));\n${calls}`;
}

async function valuesOf(path) {
  const { outputFiles } = await build({ entryPoints: [path], write: false, bundle: true, format: 'esm', platform: 'node', logLevel: 'warning' });
  const values = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
  const uses = new Map();
  const count = (v) => {
    if (typeof v !== 'object' || v === null) return;
    uses.set(v, (uses.get(v) ?? 0) + 1);
    if (uses.get(v) === 1) Object.values(v).forEach(count);
  };
  count(values);
  const shared = new Map();
  const lines = [];
  /** As JSON, what stands in several places under a name. */
  const written = (v) => {
    if (typeof v !== 'object' || v === null) return JSON.stringify(v);
    if (shared.has(v)) return shared.get(v);
    const text = Array.isArray(v) ? `[${v.map(written)}]` : `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}:${written(x)}`)}}`;
    if (uses.get(v) < 2) return text;
    const name = `v${shared.size}`;
    shared.set(v, name);
    lines.push(`const ${name} = ${text};\n`);
    return name;
  };
  for (const [name, v] of Object.entries(values)) lines.push(`export const ${name} = ${written(v)};\n`);
  return lines.join('');
}

const asking = (name) =>
  `module.exports = {\n${Object.keys(createRequire(import.meta.url)(name))
    .map((k) => `get ${k}() { return require('${name.slice('node:'.length)}').${k}; },\n`)
    .join('')}};\n`;

const bundle = async (entry, external) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    write: false,
    bundle: true,
    external,
    plugins: [parts],
    metafile: true,
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
  const imported = Object.values(metafile.outputs).flatMap((o) => o.imports.filter((i) => i.kind === 'dynamic-import').map((i) => i.path));
  if (imported.some((path) => !path.startsWith('./commands/'))) throw new Error(`${entry}: import() of other things than commands: ${imported}`);
  return outputFiles[0].text;
};

/** A script that comes out of a code cache cannot import(): its loader does it for it. */
const script = async (name, external) => {
  const code = (await bundle('src/cli/main.ts', external)).replaceAll(/\bimport\(("\.\/commands\/)/g, '__import($1');
  if (/[^\0-\x7f]/.test(code)) throw new Error(`${name}: plain ASCII is wanted`);
  writeFileSync(join(out, name), `(function(require,__filename,__import){${code}\n})`);
};

rmSync(join(out, 'cache'), { recursive: true, force: true });
mkdirSync(join(out, 'cache'), { recursive: true });
await script('sim.cjs', modules);
// Help, and commands that stay modules: all that is needed is the list of commands.
await script('help.cjs', ['./commands/*']);
// A thread starts from a file of its own.
writeFileSync(join(out, 'sweep-worker.cjs'), await bundle('src/cli/sweep-worker.ts', []));

/** What a user would run; its functions go into the cache of that command. */
const scenario = 'scenarios/rp-filter/loose-on-one-interface.yaml';
const runs = {
  help: ['--help'],
  run: ['run', scenario],
  'run-do': ['run', 'scenarios/fabedge-edge-to-node.yaml', '--format', 'kernel', '--do', 'node1: iptables -I FORWARD -p icmp -j ACCEPT'],
  test: ['test', scenario],
  'what-if': ['what-if', scenario],
  list: ['list'],
  explain: ['explain', 'IP_RPFILTER'],
};

for (const [name, args] of Object.entries(runs)) {
  if (args.some((a) => a.endsWith('.yaml') && !existsSync(a))) continue;
  try {
    const env = { ...process.env, SIM_MAKE_CODE_CACHE: join(out, 'cache', `${name}.bin`) };
    execFileSync(process.execPath, [join(out, '../../bin/sim.cjs'), ...args], { env, stdio: 'ignore' });
  } catch (e) {
    // A command that says no (exit status) has left its cache all the same; without one the command starts a little later.
    if (typeof e.status !== 'number') throw e;
  }
}
