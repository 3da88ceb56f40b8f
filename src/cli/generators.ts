/** `apply: run:` — commands that print what a rule generator writes. Only with --allow-run. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import type { Diagnostic, Parsed } from '../base/diagnostic.js';
import type { Application, Scenario } from '../scenario/model.js';

const TIMEOUT = 60_000;
const MAX_OUTPUT = 64 << 20;

/**
 * The scenario with the output of its commands in their place. They run in the folder of the file that names them; one that fails is an error.
 * Not allowed, they stay, and the run says so.
 */
export function withGenerated(s: Scenario, allowed: boolean): Parsed<Scenario | null> {
  const diagnostics: Diagnostic[] = [];
  const apply = s.apply.map((a) => {
    if (a.run === null || !allowed) return a;
    const r = printed(a, a.run);
    if ('text' in r) return { ...a, text: r.text, run: null };
    diagnostics.push(r);
    return a;
  });
  return { value: diagnostics.length > 0 ? null : { ...s, apply }, diagnostics };
}

function printed(a: Application, [program, ...args]: readonly string[]): { text: string } | Diagnostic {
  const fail = (message: string, hint: string): Diagnostic => ({ code: 'run-failed', severity: 'error', message, span: a.span, ...(hint ? { hint } : {}) });
  if (program === undefined) return fail('run: names no command', 'run: [PROGRAM, ARGUMENT, …]');
  const r = spawnSync(program, args, { cwd: dirname(a.span.file), encoding: 'utf8', timeout: TIMEOUT, maxBuffer: MAX_OUTPUT });
  if (r.error) return fail(`${program} could not be run: ${r.error.message}`, '');
  if (r.status !== 0) return fail(`${program} ended with ${r.signal ?? `status ${r.status}`}`, r.stderr.trim().split('\n').slice(-5).join('\n'));
  return { text: r.stdout };
}
