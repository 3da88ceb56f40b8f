/** `-m policy --dir in|out --pol none|ipsec [--strict] …`: IPsec transformations undone or to be done. */
import { type Addr, andAddr, type Family } from '../../../base/addr.js';
import type { HookPoint } from '../../../trace/event.js';
import type { PacketCtx } from '../../pred.js';
import { type CheckContext, type Given, type MatchDef, OptionError } from '../extension.js';
import { type AddrMask, bang, hostMask, parseProtocol, showAddrMask, uint } from '../values.js';

interface Inv<T> {
  readonly value: T;
  readonly invert: boolean;
}
interface Element {
  reqid?: Inv<number>;
  spi?: Inv<number>;
  proto?: Inv<number>;
  mode?: Inv<'transport' | 'tunnel'>;
  'tunnel-dst'?: Inv<AddrMask>;
  'tunnel-src'?: Inv<AddrMask>;
}
interface PolicyMatch {
  readonly dir: 'in' | 'out';
  readonly pol: 'none' | 'ipsec';
  readonly strict: boolean;
  readonly elements: readonly Readonly<Element>[];
}
const MAX_ELEMENTS = 4;
const PROTOCOLS = new Map([
  [50, 'esp'],
  [51, 'ah'],
  [108, 'ipcomp'],
]);

function elementValue(g: Given, family: Family): Element[keyof Element] {
  const { invert } = g;
  switch (g.name) {
    case 'reqid':
    case 'spi':
      return { value: uint('policy', g), invert };
    case 'proto': {
      const value = parseProtocol(g);
      if (!PROTOCOLS.has(value)) throw new OptionError('policy match: protocol must be ah/esp/ipcomp', g.name);
      return { value, invert };
    }
    case 'mode':
      if (g.value !== 'transport' && g.value !== 'tunnel') throw new OptionError(`policy match: invalid mode "${g.value}"`, g.name);
      return { value: g.value, invert };
    default:
      return { value: hostMask('policy', g, family), invert };
  }
}

const oneOfWords = <T extends string>(g: Given, words: readonly T[], what: string): T => {
  if (!words.includes(g.value as T)) throw new OptionError(`policy match: invalid ${what} "${g.value}"`, g.name, words.join(' or '));
  return g.value as T;
};

/** Options describe the element at hand; --next begins the following one. */
function parseElements(gs: readonly Given[], family: Family): Element[] {
  const elements: Element[] = [{}];
  for (const g of gs) {
    if (g.name === 'next') {
      if (elements.length === MAX_ELEMENTS) throw new OptionError('policy match: maximum policy depth reached', g.name);
      elements.push({});
    } else if (g.name !== 'dir' && g.name !== 'pol' && g.name !== 'strict') {
      const e = elements.at(-1)!;
      if (e[g.name as keyof Element]) throw new OptionError(`policy match: double --${g.name} option`, g.name);
      Object.assign(e, { [g.name]: elementValue(g, family) });
    }
  }
  return elements;
}

function checkElement(e: Element, i: number, strict: boolean): void {
  if (strict && Object.keys(e).length === 0) {
    throw new OptionError(
      `policy match: empty policy element ${i}. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.`,
    );
  }
  const tunnel = e.mode !== undefined && (e.mode.value === 'tunnel') !== e.mode.invert;
  if ((e['tunnel-src'] || e['tunnel-dst']) && !tunnel) throw new OptionError('policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode');
}

function parse(gs: readonly Given[], family: Family): PolicyMatch {
  const find = (name: string) => gs.find((g) => g.name === name);
  const dir = find('dir');
  if (!dir) throw new OptionError('policy match: neither --dir in nor --dir out specified');
  const direction = oneOfWords(dir, ['in', 'out'], 'dir');
  const pol = find('pol') ? oneOfWords(find('pol')!, ['none', 'ipsec'], 'policy') : 'ipsec';
  const strict = find('strict') !== undefined;
  const elements = parseElements(gs, family);
  if (pol === 'none') {
    if (strict) throw new OptionError('policy match: policy none but --strict given');
    if (elements.length > 1) throw new OptionError('policy match: policy none but policy given');
    return { dir: direction, pol, strict, elements: [] };
  }
  for (const [i, e] of elements.entries()) checkElement(e, i, strict);
  return { dir: direction, pol, strict, elements };
}

function showElement(e: Element): string {
  return (
    (e.reqid ? `${bang(e.reqid.invert)} --reqid ${e.reqid.value}` : '') +
    (e.spi ? `${bang(e.spi.invert)} --spi 0x${e.spi.value.toString(16)}` : '') +
    (e.proto ? `${bang(e.proto.invert)} --proto ${PROTOCOLS.get(e.proto.value)}` : '') +
    (e.mode ? `${bang(e.mode.invert)} --mode ${e.mode.value}` : '') +
    (e['tunnel-dst'] ? `${bang(e['tunnel-dst'].invert)} --tunnel-dst${showAddrMask(e['tunnel-dst'].value)}` : '') +
    (e['tunnel-src'] ? `${bang(e['tunnel-src'].invert)} --tunnel-src${showAddrMask(e['tunnel-src'].value)}` : '')
  );
}

const print = (d: PolicyMatch): string => ` --dir ${d.dir} --pol ${d.pol}${d.strict ? ' --strict' : ''}${d.elements.map(showElement).join(' --next')}`;

/** policy_mt_check() */
function check(d: PolicyMatch, ctx: CheckContext): void {
  const reached = (...hooks: HookPoint[]) => hooks.some((h) => ctx.hooks.has(h));
  if (d.dir === 'out' && reached('PREROUTING', 'INPUT')) throw new OptionError('output policy not valid in PREROUTING and INPUT', 'dir');
  if (d.dir === 'in' && reached('POSTROUTING', 'OUTPUT')) throw new OptionError('input policy not valid in POSTROUTING and OUTPUT', 'dir');
}

/** What a transformation undone (SecpathStep) and an IPsec state to be applied have in common. */
interface Transformation {
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: number | 'esp' | 'ah' | 'comp';
  readonly spi: number;
  readonly reqid: number;
  readonly mode: string;
}
const protocolOf = (s: Transformation): number => (s.proto === 'esp' ? 50 : s.proto === 'ah' ? 51 : s.proto === 'comp' ? 108 : s.proto);

/** match_xfrm_state() */
function stepMatches(s: Transformation, e: Element): boolean {
  const is = <T>(w: Inv<T> | undefined, test: (v: T) => boolean) => w === undefined || test(w.value) !== w.invert;
  const inNet = (a: Addr) => (w: AddrMask) => typeof a === typeof w.addr && andAddr(a, w.mask) === andAddr(w.addr, w.mask);
  return (
    is(e['tunnel-src'], inNet(s.src)) &&
    is(e['tunnel-dst'], inNet(s.dst)) &&
    is(e.proto, (v) => v === protocolOf(s)) &&
    is(e.mode, (v) => v === s.mode) &&
    is(e.spi, (v) => v === s.spi) &&
    is(e.reqid, (v) => v === s.reqid)
  );
}

/** Transformations in the order the rule's elements describe them: those undone newest first, those to be done in the order they will be applied. */
function stepsOf(d: PolicyMatch, c: PacketCtx): readonly Transformation[] | null {
  if (d.dir === 'in') return c.skb.secpath ? [...c.skb.secpath].reverse() : null;
  const bundle = c.skb.dst?.xfrm as { readonly states: readonly Transformation[] } | null | undefined;
  return bundle ? bundle.states : null;
}

/** policy_mt() */
function matches(d: PolicyMatch, c: PacketCtx): boolean {
  const steps = stepsOf(d, c);
  if (steps === null) return d.pol === 'none';
  if (d.pol === 'none') return false;
  if (!d.strict) return steps.some((s) => stepMatches(s, d.elements[0]));
  return steps.length === d.elements.length && steps.every((s, i) => stepMatches(s, d.elements[i]));
}

export const policy: MatchDef<PolicyMatch> = {
  name: 'policy',
  kernel: 'net/netfilter/xt_policy.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'dir', arg: 'required' },
    { name: 'pol', arg: 'required' },
    { name: 'strict', arg: 'none' },
    ...['reqid', 'spi', 'tunnel-src', 'tunnel-dst', 'proto', 'mode'].map((name) => ({ name, arg: 'required' as const, invert: true, multi: true })),
    { name: 'next', arg: 'none', multi: true, also: ['strict'] },
  ],
  parse: (gs, ctx) => parse(gs, ctx.family),
  print,
  check,
  lower: (d) => [{ kind: 'test', pred: { op: 'call', name: 'ipsec policy', reads: [], test: (c) => matches(d, c), show: print(d).trim() } }],
};
