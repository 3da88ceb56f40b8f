/** What happens to files on their way: lines lost, doubled, cut; characters flipped; other line ends, byte order marks, hostile names, a megabyte where a word was. */
import fc from 'fast-check';

const NASTY: readonly string[] = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '\0',
  '\ufeff',
  '\ud800',
  '"',
  "'",
  '\\',
  '{',
  '[',
  '!',
  '-',
  '--',
  ':',
  '/',
  ',',
  '::',
  '0.0.0.0/0',
  '::/0',
  '255.255.255.255',
  'fe80::1%eth0',
  '10.0.0.1/33',
  '-1',
  '4294967296',
  '99999999999999999999999999',
  '0x',
  '0xffffffffffffffffffff',
  '1e309',
  'NaN',
  'Infinity',
  '٣',
  '🎉',
  '\t',
  '\r',
  '%s%n',
  '*',
  '$(reboot)',
  '*filter',
  'COMMIT',
  '-A INPUT -j INPUT',
  '&a *a',
];

const nasty = fc.constantFrom(...NASTY);

/** A change of a text by line numbers and offsets taken modulo its size. */
type Change = (text: string) => string;

const at = fc.nat(1_000_000);
const onLine =
  (n: number, edit: (l: string) => string[]): Change =>
  (t) => {
    const lines = t.split('\n');
    const i = n % lines.length;
    lines.splice(i, 1, ...edit(lines[i]));
    return lines.join('\n');
  };
const onWord = (n: number, k: number, edit: (w: string) => string): Change =>
  onLine(n, (l) => {
    const words = l.split(' ');
    const i = k % words.length;
    words[i] = edit(words[i]);
    return [words.join(' ')];
  });
const insert =
  (n: number, s: string): Change =>
  (t) => {
    const i = n % (t.length + 1);
    return t.slice(0, i) + s + t.slice(i);
  };

const change: fc.Arbitrary<Change> = fc.oneof(
  at.map((n) => onLine(n, () => [])),
  at.map((n) => onLine(n, (l) => [l, l])),
  fc.tuple(at, at).map(([n, k]) => onLine(n, (l) => [l.slice(0, k % (l.length + 1))])),
  fc.tuple(at, at, fc.constantFrom(1, 2, 4, 16, 64, 128)).map(([n, k, bit]) =>
    onLine(n, (l) => {
      if (l === '') return [l];
      const i = k % l.length;
      return [l.slice(0, i) + String.fromCharCode(l.charCodeAt(i) ^ bit) + l.slice(i + 1)];
    }),
  ),
  at.map(
    (n): Change =>
      (t) =>
        t.slice(0, n % (t.length + 1)),
  ),
  fc.tuple(at, nasty).map(([n, s]) => insert(n, s)),
  fc.tuple(at, at, nasty).map(([n, k, s]) => onWord(n, k, () => s)),
  fc.tuple(at, at, nasty).map(([n, k, s]) => onWord(n, k, (w) => w + s)),
  fc.tuple(at, at).map(([n, k]) => onWord(n, k, () => '')),
  fc.tuple(at, at).map(([n, k]) => onWord(n, k, (w) => `${w} ${w}`)),
  fc.tuple(at, at, at).map(([n, k, v]) => onWord(n, k, (w) => w.replace(/\d+/, String(v * 4099)))),
  fc.constant((t: string) => t.replace(/\n/g, '\r\n')),
  fc.constant((t: string) => `\ufeff${t}`),
  fc.constant((t: string) => t.replace(/\n/g, ' ')),
);

/** A text with one to four changes. */
export const mutated = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...texts), fc.array(change, { minLength: 1, maxLength: 4 })).map(([t, changes]) => changes.reduce((s, c) => c(s), t));

/** Arbitrary text: any characters, or words of the grammars shaken. */
export const arbitraryText = (words: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.oneof(fc.constantFrom(...words), nasty, fc.constantFrom(' ', '\n', '\t')), { maxLength: 40 }).map((w) => w.join(' ')),
  );

/** A megabyte put where something else stood. */
export const megabytes = (text: string): readonly string[] => {
  const big = 'a'.repeat(1 << 20);
  const many = 'a '.repeat(1 << 19);
  const first = text.split('\n');
  const middle = Math.floor(first.length / 2);
  const put = (s: string): string => [...first.slice(0, middle), s, ...first.slice(middle)].join('\n');
  const lastWord = first[middle]?.split(' ') ?? [''];
  return [
    put(big),
    put(many),
    put(`${first[middle] ?? ''} ${big}`),
    put(`${first[middle] ?? ''} ${many}`),
    put([...lastWord.slice(0, -1), big].join(' ')),
    big,
    many,
    '\n'.repeat(1 << 18),
    '['.repeat(1 << 20),
    '{"a":'.repeat(1 << 17),
    '1'.repeat(1 << 20),
    '\0'.repeat(1 << 20),
  ];
};
