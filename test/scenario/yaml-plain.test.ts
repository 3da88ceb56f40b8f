/** What the reader of plain YAML reads, the library reads alike: over the scenarios that come with the package, and over texts made of them that are not all YAML. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scenarioFiles } from '../../src/cli/files.js';
import { parseYaml } from '../../src/scenario/yaml.js';
import { parsePlain } from '../../src/scenario/yaml-plain.js';

const files = scenarioFiles('scenarios').map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** True where the text is plain. */
function agree(text: string): boolean {
  const plain = parsePlain(text, 'f.yaml');
  if (plain === null) return false;
  const { tree, diagnostics } = parseYaml(text, 'f.yaml');
  expect(diagnostics, text).toEqual([]);
  expect(plain, text).toEqual(tree);
  return true;
}

describe('plain YAML', () => {
  it('is read as the library reads it', () => {
    const plain = files.filter(({ text }) => agree(text));
    expect(plain.length).toBeGreaterThan(files.length * 0.8);
  });

  it.each([
    'a: 1\n',
    "a: { b: [1, x y, \"q\", 'it''s'], c: fd00::1/64 }  # comment\nd: |\n  text\n\n    more\n\ne: |-\n  last\n\n",
    'a:\n- b: c\n  d: e\n- f\ng:\n    h: 10.0.0.1:80\n',
    'a: "b\\n\\t\\"\\\\c"\nd: |\n  0:\tfrom all\n',
    'a: 0.5\nb: -3\nc: 007\nd: 1.2.3.4\ne: NULL\nf: True\ng: no\nh: 2026-11-28\ni: 1e\nj: 6.10\n',
    '# c\n\na:   b c  # d\n  # e\n\nf: "g # h"\ni: j#k\n# end',
    'a: |\n  b\n # c\nd: e\n',
    'a: |\n\n  b\n   \n  c\n     \nd: e',
  ])('%j', (text) => {
    expect(agree(text)).toBe(true);
  });

  it.each([
    '',
    '# nothing\n',
    'a',
    '- a\n',
    'a:\n',
    'a: &x 1\nb: *x\n',
    'a: !t 1\n',
    'a: b\n c\n',
    'a: b: c\n',
    'a: 1\na: 2\n',
    '{ a: 1 }\n',
    'a: >\n  b\n',
    'a: "\\x41"\n',
    'a: "b\nc"\n',
  ])('is not %j', (text) => {
    expect(parsePlain(text, 'f.yaml')).toBe(null);
  });

  it('is read as the library reads it where something else stands somewhere', () => {
    let seed = 7;
    const below = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % n;
    };
    const pieces = [
      ' ',
      '  ',
      '\n',
      '\n\n',
      ':',
      ': ',
      '#',
      ' #',
      '-',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      "'",
      '"',
      '|',
      '|-',
      '\\',
      '\\n',
      '\t',
      "''",
      '&a',
      '*a',
      '!',
      '?',
      '%',
      '~',
      '0',
      '.',
      'e',
      'é',
      '---\n',
      '...\n',
      '<<: ',
    ];
    let plain = 0;
    for (let i = 0; i < (Number(process.env.N) || 1500); i++) {
      const blocks = files[below(files.length)].text.split(/\n(?=\S)/);
      let text = `${blocks[below(blocks.length)]}\n`;
      for (let k = below(3); k >= 0; k--) {
        const at = below(text.length + 1);
        text = text.slice(0, at) + (below(4) === 0 ? '' : pieces[below(pieces.length)]) + text.slice(at + below(3));
      }
      if (agree(text)) plain++;
    }
    expect(plain).toBeGreaterThan(300);
  });
});
