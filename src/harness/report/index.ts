/** Reporters of `sim test`. Adding one is a file and its line here. */
import { github } from './github.js';
import { json } from './json.js';
import { junit } from './junit.js';
import { pretty } from './pretty.js';
import type { TestReporter } from './reporter.js';
import { tap } from './tap.js';

export const reporters: readonly TestReporter[] = [pretty, tap, junit, json, github];
export type { TestReporter } from './reporter.js';
