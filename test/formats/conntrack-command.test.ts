import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Reporter } from '../../src/base/diagnostic.js';
import { parseConntrackCommand } from '../../src/formats/conntrack-command.js';
import { linesOf, wordsOf } from '../../src/formats/tokens.js';
import { createEntry, deleteEntries, listEntries, updateEntries } from '../../src/netfilter/conntrack/edit.js';
import { Lab } from '../netfilter/conntrack/harness.js';

/** Runs a command as the tool does; 'OK' or 'BAD' as its exit code says. */
function run(lab: Lab, text: string): 'OK' | 'BAD' {
  const reporter = new Reporter('cmd', text);
  const words = wordsOf(linesOf(text)[0]);
  const cmd = parseConntrackCommand(words[0]?.text === 'conntrack' ? words.slice(1) : words, reporter);
  if (!cmd) return 'BAD';
  const done = (ok: boolean): 'OK' | 'BAD' => (ok ? 'OK' : 'BAD');
  switch (cmd.op) {
    case 'create':
    case 'add':
      return done(cmd.create !== null && createEntry(lab.ct, cmd.create, cmd.op === 'add'));
    case 'delete':
      return done(deleteEntries(lab.ct, cmd.select).length > 0);
    case 'update':
      return done(updateEntries(lab.ct, cmd.select, cmd.update) > 0);
    default:
      listEntries(lab.ct, cmd.select);
      return 'OK';
  }
}

describe('conntrack(8)', () => {
  it.each<[string, number]>([
    ['-L -s 1.1.1.1 -d 2.2.2.2', 1],
    ['-L -s 1.1.1.0/24', 1],
    ['-L -s 1.1.2.0/24', 0],
    ['-L --mark 2/3', 1],
    ['-L --mark 2/0xf', 0],
    ['-L --dst-nat 3.3.3.3:80', 1],
    ['-L --dst-nat 3.3.3.3:81', 0],
    ['-L --src-nat', 0],
    ['-L --any-nat', 1],
    ['-L -u ASSURED', 0],
    ['-L -p udp', 0],
    ['-L -p tcp --state SYN_SENT', 1],
    ['-L -f ipv6', 0],
    ['-L -w 3', 0],
  ])('%s finds %i', (text, count) => {
    const lab = new Lab();
    expect(run(lab, '-I -s 1.1.1.1 -d 2.2.2.2 --dst-nat 3.3.3.3:80 -p tcp --sport 10 --dport 20 --state SYN_SENT -u SEEN_REPLY -t 50 -m 42')).toBe('OK');
    const cmd = parseConntrackCommand(wordsOf(linesOf(text)[0]), new Reporter('cmd', text));
    expect(cmd && listEntries(lab.ct, cmd.select).length).toBe(count);
  });

  it('points at the word that is wrong', () => {
    const reporter = new Reporter('cmd', '-L -s 1.1.1');
    expect(parseConntrackCommand(wordsOf(linesOf('-L -s 1.1.1')[0]), reporter)).toBeNull();
    expect(reporter.diagnostics.map((d) => [d.code, d.span?.column])).toEqual([['bad-conntrack-command', 7]]);
  });

  const suites = ['00create', '01delete', '02filter', '03nat', '05mark', '07nat6', '10add'].map(
    (n) => new URL(`../../../shared/dumps/conntrack/testsuite-${n}.ctcmd`, import.meta.url).pathname,
  );
  it.skipIf(!existsSync(suites[0])).each(suites)('the tool’s own %s', (file) => {
    const lab = new Lab();
    const wrong: string[] = [];
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [command, wanted] = line.split(';').map((s) => s.trim());
      if (command === '' || command.startsWith('#')) continue;
      const got = run(lab, command);
      if (got !== wanted) wrong.push(`${command}: ${got}, not ${wanted}`);
    }
    expect(wrong).toEqual([]);
  });
});
