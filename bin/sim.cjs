#!/usr/bin/env node
/**
 * Starts the bundled command line with the code cache of the command that is asked for: functions that an earlier run of it needed come compiled.
 * Caches are made by `npm run build`; one that is absent or of another Node release is not used, and nothing else changes.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const vm = require('node:vm');

const dir = `${__dirname}/../dist/cli`;
const word = process.argv[2] ?? '';
const command = /^[a-z][a-z-]*$/.test(word) ? word : 'help';

function cacheOf(name) {
  try {
    return readFileSync(`${dir}/cache/${name}.bin`);
  } catch {
    return undefined;
  }
}

/** Commands that stay modules of their own, and help, need the list of commands and no more. */
const listed = /^(help|conformance|lab)$/.test(command);
const filename = `${dir}/${listed ? 'help' : 'sim'}.cjs`;
/** Changes need the tools, which small runs do without. */
const changing = process.argv.some((a) => /^--(do|what-if)(=|$)/.test(a)) ? cacheOf(`${command}-do`) : undefined;
const cachedData = listed ? cacheOf('help') : (changing ?? cacheOf(command) ?? cacheOf('run'));
// The bundle, one function, is plain ASCII.
const script = new vm.Script(readFileSync(filename, 'latin1'), { filename, cachedData });
const keep = process.env.SIM_MAKE_CODE_CACHE;
if (keep) process.on('exit', () => writeFileSync(keep, script.createCachedData()));
script.runInThisContext()(require, filename, (path) => import(`${dir}/${path}`));
