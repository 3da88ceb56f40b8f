/** The format of a snapshot: what a script wrote comes back byte for byte, and no output can pass for a part. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../src/base/diagnostic.js';
import { looksLikeSnapshot, readSnapshot } from '../../src/formats/snapshot.js';

const read = (text: string) => readSnapshot(text, { file: 'n.snapshot' });
const HEAD = 'netfilter-sim snapshot 1\n';

/** As `sed 's/^/|/'` behind the output and one newline. */
const part = (name: string, out: string, end = 'exit 0'): string =>
  `== ${name}: cmd\n${`${out}\n`
    .replace(/\n$/, '')
    .split('\n')
    .map((l) => `|${l}\n`)
    .join('')}-- ${end}\n`;

describe('a part', () => {
  it('has its output, its errors, its command and how it ended', () => {
    const { value, diagnostics } = read(`${HEAD}== ip-rule.txt: ip rule show\n|0:\tfrom all lookup local\n|\n!RTNETLINK answers: x\n-- exit 2\n== end\n`);
    expect(diagnostics).toEqual([]);
    expect(value?.complete).toBe(true);
    expect(value?.parts).toEqual([
      {
        name: 'ip-rule.txt',
        command: 'ip rule show',
        end: { kind: 'exit', status: 2 },
        text: '0:\tfrom all lookup local\n',
        errors: ['RTNETLINK answers: x'],
        line: 3,
      },
    ]);
  });

  it.each([
    ['exit 0', { kind: 'exit', status: 0 }],
    ['missing ipset', { kind: 'missing', tool: 'ipset' }],
    ['absent: the kernel has no ip_set', { kind: 'absent', why: 'the kernel has no ip_set' }],
    ['unread: asking would load it', { kind: 'unread', why: 'asking would load it' }],
  ])('ends with “-- %s”', (end, expected) => {
    expect(read(`${HEAD}== x: cmd\n-- ${end}\n== end\n`).value?.parts[0].end).toEqual(expected);
  });

  it('comes back as it was, whatever it prints', () => {
    const output = fc.string({ unit: fc.constantFrom('a', '\n', '|', '!', '== end', '== x: y', '-- exit 0', '\t', 'é', ' ') });
    fc.assert(
      fc.property(fc.array(output, { maxLength: 6 }), (outs) => {
        const { value, diagnostics } = read(`${HEAD}${outs.map((o, i) => part(`p${i}`, o)).join('')}== end\n`);
        expect(diagnostics).toEqual([]);
        expect(value?.complete).toBe(true);
        expect(value?.parts.map((p) => p.text)).toEqual(outs);
      }),
    );
  });
});

describe('what comes over ssh', () => {
  const text = `${HEAD}== x: cmd\n|a\n|\n-- exit 0\n== end\n`;
  it('may begin with what the login shell says', () => {
    const r = read(`Welcome to node1\n\n${text}`);
    expect(r.diagnostics).toEqual([]);
    expect(r.value?.parts[0]).toMatchObject({ text: 'a\n', line: 5 });
  });
  it('may have the line ends of a terminal', () => {
    expect(read(text.replaceAll('\n', '\r\n')).value?.parts[0].text).toBe('a\n');
  });
  it('may be cut off anywhere, and says so', () => {
    for (let at = HEAD.length; at < text.length - 1; at++) {
      const r = read(text.slice(0, at));
      expect(r.diagnostics.map((d) => d.code)).toContain('snapshot-cut');
      expect(r.value?.complete).toBe(false);
      if (at < text.indexOf('-- exit 0') + 9 && at > HEAD.length + 10) expect(r.value?.parts[0].end).toEqual({ kind: 'cut' });
    }
  });
});

describe('what is none', () => {
  it.each([
    ['', 'n.snapshot:1:1: error: this is no snapshot [snapshot-header]'],
    ['version: 1\nnodes: {}\n', 'n.snapshot:1:1: error: this is no snapshot [snapshot-header]'],
    ['hi\nnetfilter-sim snapshot 2\n== end\n', 'n.snapshot:2:1: error: this is a snapshot of version 2 [snapshot-version]'],
    [`${HEAD}|orphan\n== end\n`, 'n.snapshot:2:1: error: this line belongs to no part of a snapshot [snapshot-line]'],
    [`${HEAD}== x: cmd\nforged\n-- exit 0\n== end\n`, 'n.snapshot:3:1: error: this line belongs to no part of a snapshot [snapshot-line]'],
    [`${HEAD}== x: cmd\n-- exit 0\n-- exit 0\n== end\n`, 'n.snapshot:4:1: error: this line belongs to no part of a snapshot [snapshot-line]'],
    [`${HEAD}== x: cmd\n-- left\n-- exit 0\n== end\n`, 'n.snapshot:3:1: error: this line belongs to no part of a snapshot [snapshot-line]'],
    [`${HEAD}== ../../etc/passwd: cmd\n== end\n`, 'n.snapshot:2:1: error: this line belongs to no part of a snapshot [snapshot-line]'],
    [`${HEAD}== end\n== x: cmd\n`, 'n.snapshot:3:1: error: this line belongs to no part of a snapshot [snapshot-line]'],
    [`${HEAD}${part('x', 'a\n')}${part('x', 'b\n')}== end\n`, 'n.snapshot:6:4: error: “x” is there twice [snapshot-part-twice]'],
  ])('%j', (text, expected) => {
    const first = read(text).diagnostics[0];
    expect(formatDiagnostic(first).split('\n')[0]).toBe(expected);
    expect(first.hint).toBeTruthy();
  });
  it('names of parts are data', () => {
    const r = read(`${HEAD}${part('__proto__', 'a')}${part('constructor', 'b')}== end\n`);
    expect(r.value?.parts.map((p) => [p.name, p.text])).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
  it('too many parts are refused', () => {
    const r = read(`${HEAD}${Array.from({ length: 300 }, (_, i) => part(`p${i}`, 'x')).join('')}== end\n`);
    expect(r.value?.parts.length).toBe(64);
    expect(r.diagnostics.map((d) => d.code)).toContain('snapshot-parts');
  });
  it('a scenario or a dump does not look like one', () => {
    expect(looksLikeSnapshot('version: 1\ndescription: a netfilter-sim snapshot 1\n')).toBe(false);
    expect(looksLikeSnapshot(HEAD)).toBe(true);
  });
});
