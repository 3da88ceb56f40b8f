/** `-m hbh --hbh-len, --hbh-opts` and `-m dst --dst-len, --dst-opts`: hop-by-hop and destination options of IPv6. */
import { NEXTHDR } from '../../../packet/ip6.js';
import type { PacketCtx } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { headerLength, headerSteps } from '../exthdr.js';
import { scanUint } from '../numbers.js';
import { bang, given, uint } from '../values.js';

interface OptsMatch {
  readonly len: { readonly value: number; readonly invert: boolean } | null;
  /** Type and length, null for any length. null: not asked. */
  readonly opts: readonly (readonly [type: number, len: number | null])[] | null;
}
/** IP6T_OPTS_OPTSNR */
const MAX = 16;
/** This length stands for any. */
const ANY_LENGTH = 0xff;

function parseNumber(text: string, what: string, ext: string): number {
  const n = scanUint(text);
  if (!n) throw new OptionError(`${ext}: no valid digits in ${what} \`${text}'`, `${ext}-opts`);
  if (n.rest !== '') throw new OptionError(`${ext}: error parsing ${what} \`${text}'`, `${ext}-opts`);
  return Number(n.value & 0xffn);
}

function parseOpts(g: Given | undefined, ext: string): OptsMatch['opts'] {
  if (!g) return null;
  const words = g.value.split(',');
  if (words.length > MAX) throw new OptionError(`${ext}: too many options specified`, g.name);
  return words.map((w, i) => {
    const colon = w.indexOf(':');
    if (colon >= 0 && i === MAX - 1) throw new OptionError(`${ext}: the last of ${MAX} options takes no length`, g.name);
    const type = parseNumber(colon < 0 ? w : w.slice(0, colon), 'opt', ext);
    if (colon < 0) return [type, null];
    if (type === 0) throw new OptionError('PAD0 has not got length', g.name);
    const len = parseNumber(w.slice(colon + 1), 'length', ext);
    return [type, len === ANY_LENGTH ? null : len];
  });
}

/** hbh_mt6(): the options asked for must be the first ones, in that order. */
function optionsMatch(c: PacketCtx, start: number, bytes: number, wanted: NonNullable<OptsMatch['opts']>): boolean {
  let at = start;
  let left = bytes;
  const { data } = c.skb;
  for (let i = 0; i < wanted.length; i++) {
    const [type, len] = wanted[i];
    if (left < 1 || data[at] !== type) return false;
    let step = 1;
    if (type !== 0) {
      if (left < 2 || (len !== null && data[at + 1] !== len)) return false;
      step = data[at + 1] + 2;
    }
    if (i < wanted.length - 1 && (at + step > data.length || left < step)) return false;
    at += step;
    left -= step;
  }
  return true;
}

function optionsHeader(name: 'hbh' | 'dst', kind: number, what: string): MatchDef<OptsMatch> {
  return {
    name,
    kernel: 'net/ipv6/netfilter/ip6t_hbh.c',
    families: ['ipv6'],
    options: [
      { name: `${name}-len`, arg: 'required', invert: true },
      { name: `${name}-opts`, arg: 'required' },
    ],
    parse: (gs) => {
      const len = given(gs, `${name}-len`);
      return { len: len ? { value: uint(name, len), invert: len.invert } : null, opts: parseOpts(given(gs, `${name}-opts`), name) };
    },
    print: (d) =>
      (d.len ? `${bang(d.len.invert)} --${name}-len ${d.len.value}` : '') +
      (d.opts ? ` --${name}-opts ${d.opts.map(([t, l]) => (l === null ? t : `${t}:${l}`)).join(',')}` : ''),
    lower: (d) =>
      headerSteps(
        what,
        kind,
        2,
        true,
        (c, at) => {
          const length = headerLength(c, at, kind);
          if (d.len && (length === d.len.value) === d.len.invert) return false;
          return d.opts === null || optionsMatch(c, at + 2, length - 2, d.opts);
        },
        what,
      ),
  };
}

export const hbh = optionsHeader('hbh', NEXTHDR.HOP, 'hop-by-hop header');
export const dst = optionsHeader('dst', NEXTHDR.DEST, 'destination options header');
