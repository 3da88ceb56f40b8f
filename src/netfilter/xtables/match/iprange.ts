/** `-m iprange [!] --src-range a-b [!] --dst-range a-b`. */
import { type Addr, type Family, formatAddr } from '../../../base/addr.js';
import { daddr, saddr } from '../../fields.js';
import { all, between, negateIf } from '../../pred.js';
import { parseFamilyAddr } from '../address.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { badValue, bang, given } from '../values.js';

interface Range {
  readonly lo: Addr;
  readonly hi: Addr;
  readonly invert: boolean;
}
interface IprangeMatch {
  readonly src: Range | null;
  readonly dst: Range | null;
}

/** A range that is the wrong way round is taken and never matches. */
function parseRange(g: Given | undefined, family: Family): Range | null {
  if (!g) return null;
  const dash = g.value.indexOf('-');
  const [lo, hi] = (dash < 0 ? [g.value, g.value] : [g.value.slice(0, dash), g.value.slice(dash + 1)]).map((text) => {
    const a = parseFamilyAddr(text, family);
    if (a === null) throw badValue('iprange', g.name, text);
    return a;
  });
  return { lo, hi, invert: g.invert };
}

const show = (name: string, r: Range | null): string => (r ? `${bang(r.invert)} --${name} ${formatAddr(r.lo)}-${formatAddr(r.hi)}` : '');

export const iprange: MatchDef<IprangeMatch> = {
  name: 'iprange',
  kernel: 'net/netfilter/xt_iprange.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'src-range', arg: 'required', invert: true },
    { name: 'dst-range', arg: 'required', invert: true },
  ],
  parse: (gs, ctx) => {
    if (gs.length === 0) throw new OptionError("iprange match: You must specify `--src-range' or `--dst-range'");
    return { src: parseRange(given(gs, 'src-range'), ctx.family), dst: parseRange(given(gs, 'dst-range'), ctx.family) };
  },
  print: (d) => show('src-range', d.src) + show('dst-range', d.dst),
  lower: ({ src, dst }) => {
    const tests = [];
    if (src) tests.push(negateIf(src.invert, between(saddr, src.lo, src.hi)));
    if (dst) tests.push(negateIf(dst.invert, between(daddr, dst.lo, dst.hi)));
    return [{ kind: 'test', pred: all(...tests) }];
  },
};
