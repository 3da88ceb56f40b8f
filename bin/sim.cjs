#!/usr/bin/env node
/**
 * Starts the command line with the pack of the command that is asked for, the chunks of code that a run of it needs in one file; others are read when they are
 * needed. Beside packs and chunks lie code caches: functions that an earlier run called come compiled. All are made by `npm run build` (scripts/build-cli.mjs);
 * a cache that is absent or of another Node release is not used, and nothing else changes.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const vm = require('node:vm');

const dir = `${__dirname}/../dist/cli`;
const word = process.argv[2] ?? '';
/** Commands that stay modules of their own, and help, need the list of commands and no more. */
const command = /^[a-z][a-z-]*$/.test(word) && !/^(conformance|lab)$/.test(word) ? word : 'help';
/** Threads of a sweep load this, too. */
const thread = word === 'sweep' && !require('node:worker_threads').isMainThread;
/** Changes need the tools, which small runs do without. */
const pack = command === 'run' && process.argv.some((a) => /^--(do|what-if)(=|$)/.test(a)) ? 'run-do' : command;
/**
 * Such a run ends before what the optimizing compiler makes for it pays: it waits until a function has been used seven times as much. A cache belongs to the flags
 * it was made under. (Node 20; others are left as they are, since V8 complains of flags that it does not know.)
 */
const patient = pack === 'run-do' && process.versions.v8.startsWith('11.');
if (patient) require('node:v8').setFlagsFromString('--interrupt-budget=1000000');

const scripts = {};
const functions = {};
const loaded = {};

function contents(file, encoding) {
  try {
    return readFileSync(file, encoding);
  } catch {
    return undefined;
  }
}

const cacheOf = (name) => `${dir}/${name}${patient ? '.patient' : ''}.bin`;

/** Reads a script of chunks (plain ASCII), false where there is none. */
function read(name) {
  const filename = `${dir}/${name}.cjs`;
  const source = contents(filename, 'latin1');
  if (source === undefined) return false;
  scripts[name] = new vm.Script(source, { filename, cachedData: contents(cacheOf(name)) });
  Object.assign(functions, scripts[name].runInThisContext());
  return true;
}

function load(name) {
  if (loaded[name]) return loaded[name];
  if (!functions[name]) read(`chunks/${name}`);
  loaded[name] = functions[name](require, load, at);
  return loaded[name];
}

const at = {
  dirname: dir,
  get url() {
    return require('node:url').pathToFileURL(`${dir}/sim.cjs`).href;
  },
  module: (path) => import(`${dir}/${path}`),
};

read(`packs/${pack}`) || read('packs/run');

const keep = process.env.SIM_KEEP_CODE;
if (keep && !thread) {
  process.on('exit', () => {
    for (const [name, script] of Object.entries(scripts)) {
      // Of what stands in for its own pack it keeps nothing.
      if (name === `packs/${pack}` || name.startsWith('chunks/')) writeFileSync(cacheOf(name), script.createCachedData());
    }
    writeFileSync(keep, Object.keys(loaded).join('\n'));
  });
}
module.exports = load(thread ? 'sweep-worker' : 'main');
