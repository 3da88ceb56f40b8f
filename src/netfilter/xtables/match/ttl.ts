/** `-m ttl --ttl-eq|-lt|-gt n` (IPv4) and `-m hl --hl-eq|-lt|-gt n` (IPv6). */
import { ttl as ttlField } from '../../fields.js';
import { between, equals, NEVER, not, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type OptionSpec } from '../extension.js';
import { uint } from '../values.js';

interface TtlMatch {
  readonly op: 'eq' | 'ne' | 'lt' | 'gt';
  readonly value: number;
}

const options = (p: string): readonly OptionSpec[] => [
  { name: `${p}-eq`, arg: 'required', invert: true, excl: [`${p}-lt`, `${p}-gt`] },
  { name: p, arg: 'required', invert: true, alias: `${p}-eq` },
  { name: `${p}-lt`, arg: 'required', excl: [`${p}-eq`, `${p}-gt`] },
  { name: `${p}-gt`, arg: 'required', excl: [`${p}-eq`, `${p}-lt`] },
];

function parse(ext: string, g: Given | undefined, missing: string): TtlMatch {
  if (!g) throw new OptionError(missing);
  const op = g.name.slice(-2) as 'eq' | 'lt' | 'gt';
  return { op: op === 'eq' && g.invert ? 'ne' : op, value: uint(ext, g, 0, 255) };
}

const print = (ext: string, d: TtlMatch): string => (d.op === 'ne' ? ` ! --${ext}-eq ${d.value}` : ` --${ext}-${d.op} ${d.value}`);

function predicate({ op, value }: TtlMatch): Pred {
  switch (op) {
    case 'eq':
      return equals(ttlField, value);
    case 'ne':
      return not(equals(ttlField, value));
    case 'lt':
      return value === 0 ? NEVER : between(ttlField, 0, value - 1);
    case 'gt':
      return value === 255 ? NEVER : between(ttlField, value + 1, 255);
  }
}

export const ttl: MatchDef<TtlMatch> = {
  name: 'ttl',
  kernel: 'net/netfilter/xt_hl.c',
  families: ['ipv4'],
  options: options('ttl'),
  parse: ([g]) => parse('ttl', g, "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt"),
  print: (d) => print('ttl', d),
  lower: (d) => [{ kind: 'test', pred: predicate(d) }],
};

export const hl: MatchDef<TtlMatch> = {
  name: 'hl',
  kernel: 'net/netfilter/xt_hl.c',
  families: ['ipv6'],
  options: options('hl'),
  parse: ([g]) => parse('hl', g, "HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt"),
  print: (d) => print('hl', d),
  lower: (d) => [{ kind: 'test', pred: predicate(d) }],
};
