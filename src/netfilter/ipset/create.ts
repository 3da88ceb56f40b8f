/** `create NAME TYPE options`: the tool's and the kernel's checks, and the options as `ipset save` prints them. */
import { type Addr, type Family, formatAddr, maskToPrefix, networkOf, parseIp4, parseIp6, prefixMask } from '../../base/addr.js';
import { nearest } from '../../base/diagnostic.js';
import { hostBits, splitCidr, splitRange } from './dim/ip.js';
import { parseBarePort } from './dim/port.js';
import type { SetFamily } from './dim/value.js';
import { type ExtKinds, MAX_TIMEOUT, parseNumber } from './ext.js';
import type { SetCreate } from './model.js';
import { type CreateOption, flagOptions, IpsetError, type SetType, setType, setTypeNames } from './types.js';

/** A set's type and options, made ready for use. */
export interface SetParams {
  readonly type: SetType;
  readonly family: SetFamily;
  readonly kinds: ExtKinds;
  readonly maxelem: number;
  readonly forceadd: boolean;
  /** Stored addresses are masked with it; null = not. */
  readonly mask: Addr | null;
  readonly markmask: number;
  /** Bitmaps: first and last address or port, and the addresses a member stands for. */
  readonly first: number;
  readonly last: number;
  readonly hosts: number;
}

const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['hashsize', '1024'],
  ['maxelem', '65536'],
  ['markmask', '0xffffffff'],
  ['bucketsize', '12'],
  ['size', '8'],
]);

/** Options of ipset 4 and 6 that are taken and forgotten. */
const IGNORED: ReadonlySet<string> = new Set(['resize', 'probes', 'gc']);
const flagged = (name: string): boolean => flagOptions.has(name);

function normal(word: string): string {
  return word.startsWith('--') ? word.slice(2) : word;
}

/** Reads the words behind `create`. Throws IpsetError. */
export function parseCreate(name: string, typeWord: string, words: readonly string[], warn: (message: string, word: string) => void): SetCreate {
  checkSetName(name);
  const type = setType(typeWord);
  if (!type) {
    const near = nearest(typeWord, setTypeNames());
    throw new IpsetError('ipset-unknown-type', `Syntax error: typename '${typeWord}' is unknown`, typeWord, near && `did you mean ${near}?`);
  }
  const given = new Map<CreateOption, string>();
  for (let i = 0; i < words.length; i++) {
    const opt = normal(words[i]);
    if ((opt === '-4' || opt === '-6') && type.options.includes('family')) {
      given.set('family', opt === '-4' ? 'inet' : 'inet6');
      continue;
    }
    if ((opt === 'from' || opt === 'to' || opt === 'network') && type.options.includes('range')) {
      legacyRange(opt, words[++i], given);
      continue;
    }
    if (IGNORED.has(opt)) {
      if (i + 1 >= words.length) throw missingArgument(opt, words[i]);
      warn(`Option '--${opt} ${words[++i]}' is ignored. Please upgrade your syntax.`, opt);
      continue;
    }
    const known = type.options.find((o) => o === opt);
    if (!known) throw new IpsetError('ipset-option', `Unknown argument: \`${words[i]}'`, words[i], hintOption(opt, type));
    if (flagged(known)) given.set(known, '');
    else {
      if (i + 1 >= words.length) throw missingArgument(known, words[i]);
      if (given.has(known)) throw new IpsetError('ipset-option', `Syntax error: ${known} already specified`, words[i]);
      given.set(known, words[++i]);
    }
  }
  return build(name, type, given);
}

const missingArgument = (opt: string, word: string): IpsetError => new IpsetError('ipset-option', `Missing mandatory argument of option \`${opt}'`, word);
const hintOption = (opt: string, type: SetType): string => {
  const near = nearest(opt, type.options);
  return near ? `did you mean ${near}?` : `${type.name} takes ${type.options.join(', ')}`;
};

/** `--from A --to B`, `--network N` of ipset 4 make one range. */
function legacyRange(opt: string, value: string | undefined, given: Map<CreateOption, string>): void {
  if (value === undefined) throw missingArgument(opt, opt);
  const before = given.get('range');
  given.set('range', opt === 'to' && before !== undefined ? `${before}-${value}` : value);
}

export function checkSetName(name: string): void {
  if (name.length > 31) throw new IpsetError('ipset-name', `Syntax error: setname '${name}' is longer than 31 characters`, name);
}

function build(name: string, type: SetType, given: ReadonlyMap<CreateOption, string>): SetCreate {
  const family = familyOption(type, given.get('family'));
  if (given.has('netmask') && given.has('bitmask'))
    throw new IpsetError('ipset-netmask', 'Syntax error: bitmask and netmask are mutually exclusive, provide only one', 'bitmask');
  if (type.options.includes('range') && !given.has('range')) throw new IpsetError('ipset-option', "Mandatory option `range' is missing");
  const options: (readonly [string, string])[] = [];
  const range = rangeOption(type, given);
  for (const opt of type.options) {
    const v = given.get(opt) ?? DEFAULTS.get(opt);
    if (opt === 'family') options.push([opt, family === 'ipv6' ? 'inet6' : 'inet']);
    else if (opt === 'range') options.push([opt, range as string]);
    else if (opt === 'initval') options.push([opt, hex32(parseNumber(v ?? '0', 0, 0xffffffff))]);
    else if (v !== undefined) {
      const text = flagged(opt) ? '' : optionValue(opt, v, family);
      if (text !== null) options.push([opt, text]);
    }
  }
  return { name, type: type.name, family, options };
}

const hex32 = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;

/** An option's value as it is printed; null: the kernel does not tell it (a mask that masks nothing). */
function optionValue(opt: CreateOption, v: string, family: SetFamily): string | null {
  switch (opt) {
    case 'hashsize': {
      const n = parseNumber(v, 0, 0xffffffff);
      let size = 64;
      while (size < n && size < 2 ** 31) size *= 2;
      return String(size);
    }
    case 'bucketsize': {
      const n = parseNumber(v, 0, 255);
      return String(n < 2 ? 2 : n > 12 ? 12 : n + (n % 2));
    }
    case 'size':
      return String(Math.max(4, parseNumber(v, 0, 0xffffffff)));
    case 'timeout':
      return String(parseNumber(v, 0, MAX_TIMEOUT));
    case 'markmask': {
      const n = parseNumber(v, 0, 0xffffffff);
      if (n === 0) throw new IpsetError('ipset-markmask', 'The value of the markmask parameter is invalid', v);
      return hex32(n);
    }
    case 'netmask': {
      const bits = hostBits(family);
      const n = parseNumber(v, 0, 0xffffffff);
      if (n < 1 || n > bits) throw new IpsetError('ipset-netmask', `Syntax error: netmask is out of the inclusive range of 1-${bits}`, v);
      return n === bits ? null : String(n);
    }
    case 'bitmask': {
      const m = family === 'ipv6' ? parseIp6(v) : parseIp4(v);
      if (m === null) throw new IpsetError('ipset-bitmask', `Syntax error: bitmask is not valid for family = ${family === 'ipv6' ? 'inet6' : 'inet'}`, v);
      if (maskToPrefix(m) === 0) throw new IpsetError('ipset-bitmask', 'The value of the netmask parameter is invalid', v);
      return m === prefixMask(family === 'ipv6' ? 'ipv6' : 'ipv4', hostBits(family)) ? null : formatAddr(m);
    }
    default:
      return String(parseNumber(v, 0, 0xffffffff));
  }
}

function familyOption(type: SetType, word: string | undefined): SetFamily {
  if (type.family === 'unspec') return 'unspec';
  if (word === undefined || word === 'inet' || word === 'ipv4' || word === '-4') return 'ipv4';
  if (word === 'inet6' || word === 'ipv6' || word === '-6') return 'ipv6';
  if (word === 'unspec' || word === 'any') throw new IpsetError('ipset-family', 'Protocol family not supported by the set type', word);
  throw new IpsetError('ipset-family', `Syntax error: unknown inet family ${word}`, word);
}

const sizeLimit = (): IpsetError => new IpsetError('ipset-range-size', 'The range you specified exceeds the size limit of the set type', 'range');

/** `range` as it is printed, with the kernel's checks of a bitmap's size (bitmap_ip_create). */
function rangeOption(type: SetType, given: ReadonlyMap<CreateOption, string>): string | null {
  const word = given.get('range');
  if (word === undefined) return null;
  if (type.dims[0] === 'port') {
    const p = parseBarePort(word);
    return `${p.lo}-${p.hi}`;
  }
  let { first, last } = addressRange(word);
  const netmask = given.has('netmask') ? parseNumber(given.get('netmask') as string, 1, 32) : 32;
  if (netmask < 32) {
    first = networkOf(first, netmask) as number;
    last = (networkOf(last, netmask) as number) + 2 ** (32 - netmask) - 1;
    const bits = coveringPrefix(first, last);
    if (bits < 0 || netmask <= bits) throw new IpsetError('ipset-bitmap-range', 'Element is out of the range of the set', word);
    if (2 ** (netmask - bits) > 65536) throw sizeLimit();
  } else if (last - first + 1 > 65536) throw sizeLimit();
  return `${formatAddr(first)}-${formatAddr(last)}`;
}

function addressRange(word: string): { first: number; last: number } {
  const range = splitRange(word);
  if (range) return { first: range.lo, last: range.hi };
  const { addr, len } = splitCidr(word, 'ipv4');
  if (len === null) throw new IpsetError('ipset-address', `Syntax error: IP/cidr or IP-IP range must be specified: ${word}`, word);
  if (len === 32) throw new IpsetError('ipset-cidr', 'The value of the CIDR parameter of the IP address is invalid', word);
  const first = networkOf(addr, len) as number;
  return { first, last: first + 2 ** (32 - len) - 1 };
}

/** range_to_mask(): length of the network that first..last is exactly; -1 when it is none. */
function coveringPrefix(first: number, last: number): number {
  for (let len = 31; len >= 0; len--) if (networkOf(last, len) === first && first + 2 ** (32 - len) - 1 === last) return len;
  return -1;
}

/** What the options mean. For a SetCreate made by parseCreate; throws IpsetError where text from elsewhere is wrong. */
export function paramsOf(create: SetCreate): SetParams {
  const type = setType(create.type);
  if (!type) throw new IpsetError('ipset-unknown-type', `Syntax error: typename '${create.type}' is unknown`, create.type);
  const opt = new Map(create.options);
  const number = (name: string): number | null => (opt.has(name) ? parseNumber(opt.get(name) as string, 0, 0xffffffff) : null);
  const family = create.family;
  const f: Family = family === 'ipv6' ? 'ipv6' : 'ipv4';
  const netmask = number('netmask');
  const bitmask = opt.get('bitmask');
  const base = {
    type,
    family,
    kinds: { timeout: number('timeout'), counters: opt.has('counters'), comment: opt.has('comment'), skbinfo: opt.has('skbinfo') },
    maxelem: number('maxelem') ?? number('size') ?? 65536,
    forceadd: opt.has('forceadd'),
    mask: netmask !== null ? prefixMask(f, netmask) : bitmask !== undefined ? (f === 'ipv6' ? parseIp6(bitmask) : parseIp4(bitmask)) : null,
    markmask: number('markmask') ?? 0xffffffff,
  };
  const range = opt.get('range');
  if (range === undefined) return { ...base, first: 0, last: 0, hosts: 1 };
  if (type.dims[0] === 'port') {
    const p = parseBarePort(range);
    return { ...base, mask: null, first: p.lo, last: p.hi, hosts: 1 };
  }
  const { first, last } = addressRange(range);
  return { ...base, mask: null, first, last, hosts: netmask === null ? 1 : 2 ** (32 - netmask) };
}

/** `create …` as `ipset save` prints it. The tool never prints forceadd (ipset 7.17). */
export function printCreate(c: SetCreate): string {
  const options = printOptions(c);
  return `create ${c.name} ${c.type}${options === '' ? '' : ` ${options}`}`;
}
/** The options alone: the Header line of `ipset list`. */
export function printOptions(c: SetCreate): string {
  return c.options
    .filter(([k]) => k !== 'forceadd')
    .map(([k, v]) => (v === '' ? k : `${k} ${v}`))
    .join(' ');
}
