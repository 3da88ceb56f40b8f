/** `-m ipvs`: properties of an IPVS connection; IPVS is not simulated. */
import type { Family } from '../../../base/addr.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { unsupportedSteps } from '../unsupported.js';
import { type AddrMask, badValue, bang, given, hostMask, parseProtocol, portRc, showAddrMask } from '../values.js';

interface Inv<T> {
  readonly value: T;
  readonly invert: boolean;
}
interface IpvsMatch {
  /** `--ipvs` alone, perhaps inverted. */
  readonly ipvs: { readonly invert: boolean } | null;
  readonly vproto: Inv<number> | null;
  readonly vaddr: Inv<AddrMask> | null;
  readonly vport: Inv<number> | null;
  readonly vdir: 'ORIGINAL' | 'REPLY' | null;
  readonly vmethod: Inv<string> | null;
  readonly vportctl: Inv<number> | null;
}
const METHODS = ['GATE', 'IPIP', 'MASQ'];

const inv = <T>(g: Given | undefined, value: (g: Given) => T): Inv<T> | null => (g ? { value: value(g), invert: g.invert } : null);

function word<T extends string>(g: Given, words: readonly T[]): T {
  const w = g.value.toUpperCase() as T;
  if (!words.includes(w)) throw badValue('ipvs', g.name, g.value);
  return w;
}

function parse(gs: readonly Given[], family: Family): IpvsMatch {
  if (gs.length === 0) throw new OptionError('IPVS: At least one option is required');
  const ipvs = given(gs, 'ipvs');
  const others = gs.some((g) => g.name !== 'ipvs');
  if (ipvs?.invert && others) throw new OptionError('! --ipvs cannot be together with other options', 'ipvs');
  const dir = given(gs, 'vdir');
  return {
    ipvs: ipvs && !others ? { invert: ipvs.invert } : null,
    vproto: inv(given(gs, 'vproto'), parseProtocol),
    vaddr: inv(given(gs, 'vaddr'), (g) => hostMask('ipvs', g, family)),
    vport: inv(given(gs, 'vport'), (g) => portRc('ipvs', g)[0]),
    vdir: dir ? word(dir, ['ORIGINAL', 'REPLY'] as const) : null,
    vmethod: inv(given(gs, 'vmethod'), (g) => word(g, METHODS)),
    vportctl: inv(given(gs, 'vportctl'), (g) => portRc('ipvs', g)[0]),
  };
}

const show = (name: string, v: Inv<number | string> | null): string => (v ? `${bang(v.invert)} --${name} ${v.value}` : '');

const print = (d: IpvsMatch): string =>
  (d.ipvs ? `${bang(d.ipvs.invert)} --ipvs` : '') +
  show('vproto', d.vproto) +
  (d.vaddr ? `${bang(d.vaddr.invert)} --vaddr${showAddrMask(d.vaddr.value)}` : '') +
  show('vport', d.vport) +
  (d.vdir ? ` --vdir ${d.vdir}` : '') +
  show('vmethod', d.vmethod) +
  show('vportctl', d.vportctl);

export const ipvs: MatchDef<IpvsMatch> = {
  name: 'ipvs',
  kernel: 'net/netfilter/xt_ipvs.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'ipvs', arg: 'none', invert: true },
    { name: 'vproto', arg: 'required', invert: true },
    { name: 'vaddr', arg: 'required', invert: true },
    { name: 'vport', arg: 'required', invert: true },
    { name: 'vdir', arg: 'required' },
    { name: 'vmethod', arg: 'required', invert: true },
    { name: 'vportctl', arg: 'required', invert: true },
  ],
  parse: (gs, ctx) => parse(gs, ctx.family),
  print,
  lower: (d) => unsupportedSteps('ipvs', print(d)),
  unsupported: true,
};
