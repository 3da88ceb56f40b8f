/** `-m string --string text | --hex-string '|0a|text' --algo bm|kmp [--from n] [--to n] [--icase]`: bytes anywhere in the packet. */
import { call, negateIf, type PacketCtx } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { U16 } from '../numbers.js';
import { bang, given, isGiven, uint } from '../values.js';

interface StringMatch {
  /** Latin-1: one unit per byte. */
  readonly pattern: string;
  readonly algo: string;
  readonly from: number;
  readonly to: number;
  readonly icase: boolean;
  readonly invert: boolean;
}
const MAX_PATTERN = 128;

const isHex = (c: string | undefined): boolean => c !== undefined && /^[0-9a-fA-F]$/.test(c);

/** `|00 0a|` is hex, `\` takes the next character literally, the rest stands for itself. */
function parseHexString(s: string): string {
  const bad = (message: string) => new OptionError(message, 'hex-string');
  if (s === '') throw bad('STRING must contain at least one char');
  let out = '';
  let inHex = false;
  for (let i = 0; i < s.length; ) {
    if (s[i] === '|') {
      inHex = !inHex;
      i++;
      if (inHex) while (s[i] === ' ') i++;
    } else if (s[i] === '\\') {
      if (inHex) throw bad('Cannot include literals in hex data');
      if (i + 1 >= s.length) throw bad('Bad literal placement at end of string');
      out += s[i + 1];
      i += 2;
    } else if (inHex) {
      if (i + 1 >= s.length) throw bad('Odd number of hex digits');
      if (i + 2 >= s.length) throw bad('Invalid hex block');
      if (!isHex(s[i]) || !isHex(s[i + 1])) throw bad(`Invalid hex char '${isHex(s[i]) ? s[i + 1] : s[i]}'`);
      out += String.fromCharCode(Number.parseInt(s.slice(i, i + 2), 16));
      i += s[i + 2] === ' ' ? 3 : 2;
    } else out += s[i++];
    if (out.length > MAX_PATTERN) throw bad(`STRING too long "${s}"`);
  }
  return out;
}

/** UTF-8 bytes of the text, one character per byte, as the tool reads them. */
const bytesOf = (text: string): string => Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join('');

function parsePattern(g: Given | undefined): string {
  if (!g) throw new OptionError("STRING match: You must specify `--string' or `--hex-string'");
  const bytes = bytesOf(g.value);
  if (g.name === 'hex-string') return parseHexString(bytes);
  if (bytes.length > MAX_PATTERN) throw new OptionError(`STRING too long "${g.value}"`, 'string');
  return bytes;
}

function showPattern(p: string): string {
  const printable = /^[ -~]*$/.test(p) && !p.endsWith('\\');
  if (printable) return `--string "${p.replace(/["\\]/g, '\\$&')}"`;
  return `--hex-string "|${Array.from(p, (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('')}|"`;
}

/** string_mt_check(); textsearch_prepare() finds no other algorithm and takes no empty pattern. */
function check(d: StringMatch, _: CheckContext): void {
  if (d.algo !== 'bm' && d.algo !== 'kmp') throw new OptionError(`no text search algorithm "${d.algo}"`, 'algo', 'bm or kmp');
  if (d.from > d.to) throw new OptionError('--from is behind --to', 'from');
  if (d.pattern === '') throw new OptionError('an empty pattern', 'string');
}

const lowerByte = (b: number): number => (b >= 65 && b <= 90 ? b + 32 : b);

/** skb_find_text(): the whole pattern must lie in from..to, counted from the network header. */
function found(d: StringMatch, c: PacketCtx): boolean {
  const { data } = c.skb;
  const last = Math.min(d.to, data.length) - d.pattern.length;
  const fold = d.icase ? lowerByte : (b: number) => b;
  const wanted = Array.from(d.pattern, (ch) => fold(ch.charCodeAt(0)));
  for (let at = d.from; at <= last; at++) {
    let i = 0;
    while (i < wanted.length && fold(data[at + i]) === wanted[i]) i++;
    if (i === wanted.length) return true;
  }
  return false;
}

export const string: MatchDef<StringMatch> = {
  name: 'string',
  kernel: 'net/netfilter/xt_string.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'from', arg: 'required' },
    { name: 'to', arg: 'required' },
    { name: 'algo', arg: 'required', mandatory: true },
    { name: 'string', arg: 'required', invert: true, excl: ['hex-string'] },
    { name: 'hex-string', arg: 'required', invert: true, excl: ['string'] },
    { name: 'icase', arg: 'none' },
  ],
  parse: (gs) => {
    const g = given(gs, 'string') ?? given(gs, 'hex-string');
    const from = given(gs, 'from');
    const to = given(gs, 'to');
    return {
      pattern: parsePattern(g),
      algo: given(gs, 'algo')!.value,
      from: from ? uint('string', from, 0, U16) : 0,
      to: to ? uint('string', to, 0, U16) : U16,
      icase: isGiven(gs, 'icase'),
      invert: g?.invert ?? false,
    };
  },
  print: (d) =>
    `${bang(d.invert)} ${showPattern(d.pattern)} --algo ${d.algo}` +
    (d.from !== 0 ? ` --from ${d.from}` : '') +
    (d.to !== U16 ? ` --to ${d.to}` : '') +
    (d.icase ? ' --icase' : ''),
  check,
  lower: (d) => [
    {
      kind: 'test',
      pred: negateIf(
        d.invert,
        call('packet bytes', [], (c) => found(d, c), showPattern(d.pattern)),
      ),
    },
  ],
};
