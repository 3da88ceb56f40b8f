/**
 * The command line as bin/sim.cjs loads it, dist/cli:
 *
 *   chunks/   a function for each part that is loaded on its own: commands, and what `onCall` lists; and for what they have in common
 *   packs/    for each command that people wait for, the chunks that a run of it needs in one file
 *   *.bin     beside a chunk or a pack: its code cache
 *
 * Some commands stay modules, as tsc has written them: there they find the files beside them.
 *
 * `build-cli.mjs [ROOT]`: ROOT/dist/cli is written, ROOT/bin/sim.cjs is there.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { build, transform } from 'esbuild';

const out = resolve(process.argv[2] ?? '.', 'dist/cli');
const modules = ['./commands/conformance.js', './commands/lab.js'];

/** Parts that many runs do without: their first call loads them, and what only they import. They export functions only. */
const onCall = [
  'src/base/ip-num.ts',
  'src/cli/generators.ts',
  'src/fib/edit.ts',
  'src/fib/edit6.ts',
  'src/formats/bridge.ts',
  'src/formats/conntrack.ts',
  'src/formats/ebtables-save.ts',
  'src/formats/ip-addr.ts',
  'src/formats/ip-link.ts',
  'src/formats/ip-route-json.ts',
  'src/formats/ip-route-text.ts',
  'src/formats/ip-rule-text.ts',
  'src/formats/ip-rule.ts',
  'src/formats/ipset-list.ts',
  'src/formats/ipset-save.ts',
  'src/formats/iptables-save.ts',
  'src/formats/nft-list.ts',
  'src/formats/snapshot.ts',
  'src/formats/sockets.ts',
  'src/formats/xfrm.ts',
  'src/harness/repairs.ts',
  'src/netfilter/cbpf.ts',
  'src/netfilter/conntrack/entry.ts',
  'src/netfilter/conntrack/nat-packet.ts',
  'src/netfilter/conntrack/tcp.ts',
  'src/netfilter/ebtables/compile.ts',
  'src/netfilter/ipset/create.ts',
  'src/netfilter/ipset/lint.ts',
  'src/netfilter/nftables/compile.ts',
  'src/packet/text.ts',
  'src/packet/verify.ts',
  'src/render/beyond.ts',
  'src/render/drop-context.ts',
  'src/render/explain.ts',
  'src/render/json.ts',
  'src/render/kernel.ts',
  'src/render/mermaid.ts',
  'src/render/nft-trace.ts',
  'src/render/rule-text.ts',
  'src/render/story.ts',
  'src/render/summary.ts',
  'src/render/tcpdump.ts',
  'src/render/walk-lines.ts',
  'src/render/xtables-monitor.ts',
  'src/scenario/check-routes.ts',
  'src/scenario/check-rules.ts',
  'src/scenario/missing.ts',
  'src/scenario/schema-issues.ts',
  'src/scenario/snapshot.ts',
  'src/scenario/what-if.ts',
  'src/stack/duplicate.ts',
  'src/stack/node-sets.ts',
  'src/stack/overheard.ts',
  'src/stack/reject.ts',
  'src/stack/sockets/tcp-connection.ts',
  'src/stack/sockets/tcp-listen.ts',
  'src/stack/sockets/tcp-reset.ts',
  'src/stack/sockets/tcp-send.ts',
  'src/stack/stages/bridge-input.ts',
  'src/stack/stages/bridge-output.ts',
  'src/stack/stages/icmp6-notify.ts',
  'src/stack/stages/icmp6-rcv.ts',
  'src/stack/stages/ip6-forward.ts',
  'src/stack/stages/ip6-output.ts',
  'src/stack/stages/ip6-rcv.ts',
  'src/stack/stages/ipip.ts',
  'src/stack/stages/ndisc.ts',
  'src/stack/stages/vxlan.ts',
  'src/stack/stages/xfrm.ts',
  'src/tools/apply.ts',
  'src/tools/bridge.ts',
  'src/tools/conntrack.ts',
  'src/tools/ebtables.ts',
  'src/tools/execute.ts',
  'src/tools/ip/index.ts',
  'src/tools/ipset.ts',
  'src/tools/iptables.ts',
  'src/tools/nft-live.ts',
  'src/tools/nft.ts',
  'src/tools/nstat.ts',
  'src/tools/ss.ts',
  'src/tools/sysctl.ts',
  'src/xfrm/select.ts',
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
  const calls = [...new Set(names)].map((n) => `export const ${n} = (...a) => whole().${n}(...a);\n`).join('');
  return `let loaded;\nconst whole = () => (loaded ??= import(${JSON.stringify(`${path}?whole`)}));\n${calls}`;
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

const options = {
  write: false,
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20.19',
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
  // The same code as modules: what is not used is left out, and names are found when it is built.
  alias: { yaml: join(dirname(createRequire(import.meta.url).resolve('yaml')), '../browser/index.js') },
};

/** [name, function as text] of each chunk; programs start with `main`, threads of a sweep with `sweep-worker`. */
async function chunks() {
  const { outputFiles, metafile } = await build({
    ...options,
    plugins: [parts],
    entryPoints: ['src/cli/main.ts', 'src/cli/sweep-worker.ts'],
    outdir: 'chunks',
    splitting: true,
    format: 'esm',
    external: [...modules, 'piscina'],
    define: { 'import.meta.url': '__at.url', 'import.meta.dirname': '__at.dirname' },
  });
  const foreign = Object.values(metafile.outputs).flatMap((o) => o.imports.filter((i) => i.kind === 'dynamic-import' && i.external));
  if (foreign.some((i) => !modules.includes(i.path))) throw new Error(`import() of other things than commands: ${foreign.map((i) => i.path)}`);
  return Promise.all(outputFiles.map(async ({ path, text }) => [basename(path, '.js'), await functionOf(text)]));
}

/**
 * A module of esbuild's as the text of a function that returns its exports. `__load(NAME)` returns those of another chunk, `__at` tells where the program is.
 * What a chunk exports does not change once it has run.
 */
async function functionOf(module) {
  const from = (path) => (path.startsWith('./') && !modules.includes(path) ? `__load('${basename(path, '.js')}')` : `require('${path}')`);
  const renamed = (names, how) => `{ ${names.split(',').map((n) => how(n.trim().split(' as ')).join(': '))} }`;
  const body = module
    .replaceAll(
      /^import (?:(?:\* as )?(\w+)|\{([^}]*)\}) from "(.+)";$/gm,
      (_, all, names, path) => `const ${all ?? renamed(names, (n) => n)} = ${from(path)};`,
    )
    .replaceAll(/^import "(.+)";$/gm, (_, path) => `${from(path)};`)
    .replaceAll(/\bimport\("(\.\/.+?)"\)/g, (_, path) => (modules.includes(path) ? `__at.module('${path}')` : from(path)))
    .replace(/^export \{([^}]*)\};$/m, (_, names) => `return ${renamed(names, (n) => n.reverse())};`);
  const left = /^(?:import|export)\b.*/m.exec(body);
  if (left) throw new Error(`what stands here is not expected: ${left[0]}`);
  const { code } = await transform(`f = (require, __load, __at) => {${body}}`, { minify: true, charset: 'ascii', target: options.target });
  if (/[^\0-\x7f]/.test(code)) throw new Error('plain ASCII is wanted');
  return code.trim().replace(/^f=/, '').replace(/;$/, '');
}

/** A script whose value is an object of chunks. */
const scriptOf = (list) => `({${list.map(([name, code]) => `${JSON.stringify(name)}:${code}`).join(',\n')}})`;

const scenario = 'scenarios/rp-filter/loose-on-one-interface.yaml';
const changed = (name, change) => ['run', `scenarios/${name}.yaml`, '--trace-all', '--format', 'kernel', '--do', change];
/** What users would run: the chunks of a command's runs make its pack, and the code that they need its cache. */
const packs = {
  help: [['--help']],
  run: [['run', scenario]],
  'run-do': [
    changed('policy-routing/multi-wan', 'router: iptables -I FORWARD -p icmp -j ACCEPT'),
    changed('firewalls-side-by-side/docker-bypasses-ufw', 'host: iptables -I FORWARD 1 -p icmp -j ACCEPT'),
    changed('policy-routing/mask-versus-exact-mark', 'router: iptables -I FORWARD 1 -p icmp -j ACCEPT'),
  ],
  trace: [['trace', 'scenarios/fabedge-edge-to-node/node1', '--in', 'tunl0', 'icmp 10.22.46.41 > 10.234.102.161']],
  exec: [
    ['exec', 'scenarios/fabedge-edge-to-node.yaml', 'node1', '--', 'iptables', '-t', 'nat', '-L'],
    ['exec', 'scenarios/fabedge-edge-to-node.yaml', 'node1', '--', 'ip', 'route'],
  ],
  test: [['test', scenario]],
  'what-if': [['what-if', scenario]],
  list: [['list']],
  explain: [['explain', 'IP_RPFILTER']],
  // Threads run what one job runs.
  sweep: ['2', '1'].map((jobs) => ['sweep', scenario, '--from', 'all', '--to', 'all', '--proto', 'icmp,tcp,udp', '--port', '22-80', '--jobs', jobs, '--json']),
};

/** Runs that call for other chunks: the code that they need is in the caches of those. */
const more = [
  ['run', 'scenarios/fabedge-edge-to-node.yaml'],
  ['run', 'scenarios/bridge/pod-to-its-own-service.yaml'],
  ['run', 'scenarios/fabedge-edge-to-node.yaml', '--do', 'node1: sysctl -w net.ipv4.conf.tunl0.rp_filter=0'],
];

/** Runs a command that leaves code caches beside what it loads; the names of the chunks that it loaded. One that says no (exit status) does so all the same. */
function chunksOf(args) {
  const list = join(out, 'loaded');
  try {
    execFileSync(process.execPath, [join(out, '../../bin/sim.cjs'), ...args], { env: { ...process.env, SIM_KEEP_CODE: list }, stdio: 'ignore' });
  } catch (e) {
    if (typeof e.status !== 'number') throw e;
  }
  const names = readFileSync(list, 'utf8').split('\n');
  rmSync(list);
  return names;
}

for (const dir of ['chunks', 'packs']) {
  rmSync(join(out, dir), { recursive: true, force: true });
  mkdirSync(join(out, dir), { recursive: true });
}
const all = await chunks();
for (const chunk of all) writeFileSync(join(out, 'chunks', `${chunk[0]}.cjs`), scriptOf([chunk]));
for (const args of more) chunksOf(args);
for (const [name, runs] of Object.entries(packs)) {
  const loaded = new Set(runs.flatMap(chunksOf));
  writeFileSync(join(out, 'packs', `${name}.cjs`), scriptOf(all.filter(([n]) => loaded.has(n))));
  for (const args of runs) chunksOf(args);
  // What stands in these packs is not read from elsewhere.
  const cache = { run: '.bin', 'run-do': '.patient.bin' }[name];
  if (cache) for (const n of loaded) rmSync(join(out, 'chunks', `${n}${cache}`), { force: true });
}
