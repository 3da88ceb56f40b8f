/** `-p icmp -m icmp --icmp-type` and `-p icmpv6 -m icmp6 --icmpv6-type`. */
import { type IcmpName, icmp6Types, icmpByName, icmpTypes } from '../../../base/well-known.js';
import { icmpType, icmpTypeCode, present, whenPresent } from '../../fields.js';
import { between, not, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type RuleStep } from '../extension.js';
import { parseUint, scanUint } from '../numbers.js';
import { dropTinygram } from '../transport.js';
import { bang } from '../values.js';

interface IcmpMatch {
  readonly type: number;
  readonly code: readonly [lo: number, hi: number];
  readonly invert: boolean;
}

function parseCodes(text: string, what: string, option: string): readonly [number, number] {
  const bad = (t: string) => new OptionError(`Invalid ${what} code \`${t}'`, option);
  const lo = scanUint(text);
  if (!lo || lo.value > 255n) throw bad(text);
  if (lo.rest === '') return [Number(lo.value), Number(lo.value)];
  if (lo.rest[0] !== ':') throw bad(text);
  const hi = parseUint(lo.rest.slice(1), 0, 255);
  if (hi === null) throw bad(lo.rest.slice(1));
  return [Number(lo.value), hi];
}

function parseIcmp(g: Given, names: readonly IcmpName[], what: string): IcmpMatch {
  const named = g.value === '' ? undefined : icmpByName(names, g.value);
  if (named && 'ambiguous' in named) {
    throw new OptionError(`Ambiguous ${what} type \`${g.value}': \`${named.ambiguous[0]}' or \`${named.ambiguous[1]}'?`, g.name);
  }
  if (named) return { type: named.type, code: [named.codeMin, named.codeMax], invert: g.invert };
  const slash = g.value.indexOf('/');
  const typeText = slash < 0 ? g.value : g.value.slice(0, slash);
  const type = parseUint(typeText, 0, 255);
  if (type === null) throw new OptionError(`Invalid ${what} type \`${typeText}'`, g.name);
  return { type, code: slash < 0 ? [0, 255] : parseCodes(g.value.slice(slash + 1), what, g.name), invert: g.invert };
}

const isAny = (d: IcmpMatch): boolean => d.type === 255 && d.code[0] === 0 && d.code[1] === 255;

function showType({ type, code: [lo, hi] }: IcmpMatch): string {
  if (lo === 0 && hi === 255) return `${type}`;
  return lo === hi ? `${type}/${lo}` : `${type}/${lo}:${hi}`;
}

/** icmp_type_code_match(): type 255 stands for every type in IPv4, whatever the codes. */
function typeTest(d: IcmpMatch, any255: boolean): Pred {
  if (any255 && d.type === 255) return d.invert ? not(present(icmpType)) : present(icmpType);
  const [lo, hi] = d.code;
  return lo === 0 && hi === 255
    ? whenPresent(icmpType, d.invert, between(icmpType, d.type, d.type))
    : whenPresent(icmpTypeCode, d.invert, between(icmpTypeCode, d.type * 256 + lo, d.type * 256 + hi));
}

const steps = (d: IcmpMatch, any255: boolean): readonly RuleStep[] => {
  const test = typeTest(d, any255);
  return [dropTinygram(8), { kind: 'test', pred: any255 && d.type === 255 && d.invert ? { op: 'all', of: [present(icmpType), test] } : test }];
};

export const icmp: MatchDef<IcmpMatch> = {
  name: 'icmp',
  kernel: 'net/netfilter/xt_tcpudp.c',
  families: ['ipv4'],
  protocols: [1],
  options: [{ name: 'icmp-type', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => parseIcmp(g, icmpTypes(), 'ICMP'),
  print: (d) => `${bang(d.invert)} --icmp-type ${isAny(d) ? 'any' : showType(d)}`,
  lower: (d) => steps(d, true),
};

export const icmp6: MatchDef<IcmpMatch> = {
  name: 'icmp6',
  kernel: 'net/netfilter/xt_tcpudp.c',
  families: ['ipv6'],
  protocols: [58],
  options: [{ name: 'icmpv6-type', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => parseIcmp(g, icmp6Types(), 'ICMPv6'),
  print: (d) => `${bang(d.invert)} --icmpv6-type ${showType(d)}`,
  lower: (d) => steps(d, false),
};
