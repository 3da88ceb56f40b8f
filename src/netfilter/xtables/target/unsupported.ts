/** Targets that load and print but are not evaluated: a packet that reaches one is inconclusive, naming it. */
import { addrBits, type Family, formatMac, type Mac, maskToPrefix, parseIp6, parseMac } from '../../../base/addr.js';
import type { Given, OptionSpec, TargetAct, TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { hexPad, parseUint, U32 } from '../numbers.js';
import { quoteWord } from '../quote.js';
import { BOTH, find, has, textOption, uintOption, V4 } from './common.js';

/** lower() of all of these. */
const unknownEffect = (name: string) => (): TargetAct => (c) => c.env.inconclusive(`-j ${name}`, c);

const required = (...names: string[]): OptionSpec[] => names.map((name) => ({ name, arg: 'required' }));

interface NfqueueData {
  readonly first: number;
  readonly last: number;
  readonly bypass: boolean;
  readonly cpuFanout: boolean;
}

/** `first:last`, either left out; 65535 is not to be had. */
function parseBalance(g: Given): { first: number; last: number } {
  const m = /^(\d*):(\d*)$/.exec(g.value);
  const first = m ? parseUint(m[1] || '0', 0, 65535) : null;
  const last = m ? parseUint(m[2] || '65534', 0, 65534) : null;
  if (first === null || last === null || first >= last) throw new OptionError(`Bad range "${g.value}"`, g.name, 'FIRST:LAST, 0..65534, LAST above FIRST');
  return { first, last };
}

export const NFQUEUE: TargetDef<NfqueueData> = {
  name: 'NFQUEUE',
  kernel: 'net/netfilter/xt_NFQUEUE.c',
  families: BOTH,
  options: [
    { name: 'queue-num', arg: 'required', excl: ['queue-balance'] },
    { name: 'queue-balance', arg: 'required', excl: ['queue-num'] },
    { name: 'queue-bypass', arg: 'none' },
    { name: 'queue-cpu-fanout', arg: 'none', also: ['queue-balance'] },
  ],
  parse(given) {
    const num = find(given, 'queue-num');
    const balance = find(given, 'queue-balance');
    const n = num ? uintOption('NFQUEUE', num, 65535) : 0;
    return { ...(balance ? parseBalance(balance) : { first: n, last: n }), bypass: has(given, 'queue-bypass'), cpuFanout: has(given, 'queue-cpu-fanout') };
  },
  print(d) {
    const queue = d.first === d.last ? ` --queue-num ${d.first}` : ` --queue-balance ${d.first}:${d.last}`;
    return `${queue}${d.bypass ? ' --queue-bypass' : ''}${d.cpuFanout ? ' --queue-cpu-fanout' : ''}`;
  },
  unsupported: true,
  lower: unknownEffect('NFQUEUE'),
};

interface SynproxyData {
  readonly sack: boolean;
  readonly timestamp: boolean;
  readonly ecn: boolean;
  readonly wscale: number | null;
  readonly mss: number | null;
}

export const SYNPROXY: TargetDef<SynproxyData> = {
  name: 'SYNPROXY',
  kernel: 'net/netfilter/nf_synproxy_core.c',
  families: BOTH,
  hooks: ['INPUT', 'FORWARD'],
  options: [{ name: 'sack-perm', arg: 'none' }, { name: 'timestamp', arg: 'none' }, { name: 'ecn', arg: 'none' }, ...required('wscale', 'mss')],
  parse(given) {
    const wscale = find(given, 'wscale');
    const mss = find(given, 'mss');
    // Both are cut to their field's width without a word.
    return {
      sack: has(given, 'sack-perm'),
      timestamp: has(given, 'timestamp'),
      ecn: has(given, 'ecn'),
      wscale: wscale ? uintOption('SYNPROXY', wscale, U32) & 0xff : null,
      mss: mss ? uintOption('SYNPROXY', mss, U32) & 0xffff : null,
    };
  },
  print: (d) =>
    `${d.sack ? ' --sack-perm' : ''}${d.timestamp ? ' --timestamp' : ''}${d.wscale === null ? '' : ` --wscale ${d.wscale}`}${d.mss === null ? '' : ` --mss ${d.mss}`}${d.ecn ? ' --ecn' : ''}`,
  check(_d, ctx) {
    if (ctx.proto !== 6 || ctx.protoInverted) throw new OptionError('SYNPROXY: only valid for -p tcp');
  },
  needsConntrack: () => true,
  unsupported: true,
  lower: unknownEffect('SYNPROXY'),
};

/** The printed parts of an HMARK rule in their order; a flag's presence is its value's. */
type HmarkData = ReadonlyMap<string, number | 'ct'>;

const HMARK_NUMBERS: readonly (readonly [string, number, (v: number) => string])[] = [
  ['hmark-sport-mask', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-dport-mask', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-spi-mask', U32, (v) => hexPad(v, 8)],
  ['hmark-sport', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-dport', 0xffff, (v) => hexPad(v, 4)],
  ['hmark-spi', U32, (v) => hexPad(v, 8)],
  ['hmark-proto-mask', 0xffff, (v) => hexPad(v, 2)],
  ['hmark-rnd', U32, (v) => hexPad(v, 8)],
  ['hmark-mod', U32, String],
  ['hmark-offset', U32, String],
];
const HMARK_PREFIXES = ['hmark-src-prefix', 'hmark-dst-prefix'];
const HMARK_ORDER = [...HMARK_PREFIXES, ...HMARK_NUMBERS.map(([n]) => n), 'hmark-tuple'];
const HMARK_TUPLE: ReadonlyMap<string, readonly [string, number]> = new Map([
  ['sport', ['hmark-sport-mask', 0xffff]],
  ['dport', ['hmark-dport-mask', 0xffff]],
  ['spi', ['hmark-spi-mask', U32]],
  ['proto', ['hmark-proto-mask', 0xffff]],
]);

function hmarkPrefix(g: Given, family: Family): number {
  const n = parseUint(g.value, 0, addrBits(family)) ?? maskPrefix(g.value, family);
  if (n === null) throw new OptionError(`HMARK: bad value for option "--${g.name}"`, g.name);
  return n;
}

export function maskPrefix(text: string, family: Family): number | null {
  const parts = family === 'ipv4' && /^\d+(\.\d+){3}$/.test(text) ? text.split('.').map(Number) : null;
  const mask = parts ? parts.reduce((v, p) => v * 256 + p, 0) : parseIp6(text);
  const len = mask === null ? -1 : maskToPrefix(mask);
  return len < 0 ? null : len;
}

function hmarkTuple(g: Given, family: Family, data: Map<string, number | 'ct'>): void {
  for (const word of g.value.toLowerCase().split(',')) {
    const row = HMARK_TUPLE.get(word);
    if (row) data.set(...row);
    else if (word === 'src' || word === 'dst') data.set(`hmark-${word}-prefix`, addrBits(family));
    else if (word === 'ct') data.set('hmark-tuple', 'ct');
    else throw new OptionError(`Bad type "${word}"`, g.name, 'src, dst, sport, dport, spi, proto, ct');
  }
}

export const HMARK: TargetDef<HmarkData> = {
  name: 'HMARK',
  kernel: 'net/netfilter/xt_HMARK.c',
  families: BOTH,
  options: required(...HMARK_ORDER),
  parse(given, ctx) {
    const data = new Map<string, number | 'ct'>();
    for (const g of given) {
      const row = HMARK_NUMBERS.find(([n]) => n === g.name);
      if (row) data.set(g.name, uintOption('HMARK', g, row[1], g.name === 'hmark-mod' ? 1 : 0));
      else if (HMARK_PREFIXES.includes(g.name)) data.set(g.name, hmarkPrefix(g, ctx.family));
      else hmarkTuple(g, ctx.family, data);
    }
    if (!data.has('hmark-mod')) throw new OptionError('--hmark-mod is mandatory');
    if (!data.has('hmark-rnd')) throw new OptionError('--hmark-rnd is mandatory');
    if (data.has('hmark-spi-mask') && (data.has('hmark-sport-mask') || data.has('hmark-dport-mask'))) {
      throw new OptionError('you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time');
    }
    if (![...data.keys()].some((k) => !['hmark-mod', 'hmark-rnd', 'hmark-offset'].includes(k)))
      throw new OptionError('you have to specify --hmark-tuple at least');
    return data;
  },
  print: (d) =>
    HMARK_ORDER.filter((name) => d.has(name))
      .map((name) => {
        const v = d.get(name) as number | 'ct';
        return ` --${name} ${v === 'ct' ? v : (HMARK_NUMBERS.find(([n]) => n === name)?.[2] ?? String)(v)}`;
      })
      .join(''),
  unsupported: true,
  lower: unknownEffect('HMARK'),
};

export const SECMARK: TargetDef<string> = {
  name: 'SECMARK',
  kernel: 'net/netfilter/xt_SECMARK.c',
  families: BOTH,
  tables: ['mangle', 'security'],
  options: [{ name: 'selctx', arg: 'required', mandatory: true }],
  parse: (given) => textOption(given[0], 255),
  print: (d) => ` --selctx ${d}`,
  unsupported: true,
  lower: unknownEffect('SECMARK'),
};

export const CONNSECMARK: TargetDef<'save' | 'restore'> = {
  name: 'CONNSECMARK',
  kernel: 'net/netfilter/xt_CONNSECMARK.c',
  families: BOTH,
  tables: ['mangle', 'security'],
  options: [
    { name: 'save', arg: 'none', excl: ['restore'] },
    { name: 'restore', arg: 'none', excl: ['save'] },
  ],
  parse(given) {
    if (given.length === 0) throw new OptionError('CONNSECMARK target: parameter required');
    return given[0].name as 'save' | 'restore';
  },
  print: (d) => ` --${d}`,
  needsConntrack: () => true,
  unsupported: true,
  lower: unknownEffect('CONNSECMARK'),
};

/** null: an address that another rule defined (`-j CLUSTERIP` without --new). */
type ClusteripData = { readonly mode: string; readonly mac: Mac; readonly total: number; readonly local: number; readonly init: number } | null;

const CLUSTERIP_MODES = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport'];

export const CLUSTERIP: TargetDef<ClusteripData> = {
  name: 'CLUSTERIP',
  kernel: 'net/ipv4/netfilter/ipt_CLUSTERIP.c',
  families: V4,
  options: [
    { name: 'new', arg: 'none' },
    ...['hashmode', 'clustermac', 'total-nodes', 'local-node'].map((name) => ({ name, arg: 'required', also: ['new'] }) as const),
    { name: 'hash-init', arg: 'required', also: ['new'] },
  ],
  parse(given) {
    if (given.length === 0) return null;
    const need = (name: string): Given => {
      const g = find(given, name);
      if (!g) throw new OptionError('CLUSTERIP target: Invalid parameter combination');
      return g;
    };
    need('new');
    const mode = need('hashmode');
    if (!CLUSTERIP_MODES.includes(mode.value)) throw new OptionError(`Unknown hashmode "${mode.value}"`, 'hashmode', CLUSTERIP_MODES.join(', '));
    const mac = parseMac(need('clustermac').value);
    if (mac === null || Math.floor(mac / 2 ** 40) % 2 === 0) throw new OptionError('MAC has to be a multicast ethernet address', 'clustermac');
    const init = find(given, 'hash-init');
    return {
      mode: mode.value,
      mac,
      total: uintOption('CLUSTERIP', need('total-nodes'), 16, 1),
      local: uintOption('CLUSTERIP', need('local-node'), 16),
      init: init ? uintOption('CLUSTERIP', init, U32) : 0,
    };
  },
  print: (d) =>
    d === null
      ? ''
      : ` --new --hashmode ${d.mode} --clustermac ${formatMac(d.mac).toUpperCase()} --total-nodes ${d.total} --local-node ${d.local} --hash-init ${d.init}`,
  check(d) {
    if (d !== null && (d.local < 1 || d.local > d.total)) throw new OptionError('CLUSTERIP: local node out of range', 'local-node');
  },
  unsupported: true,
  lower: unknownEffect('CLUSTERIP'),
};

interface UlogData {
  readonly group: number;
  readonly prefix: string;
  readonly range: number;
  readonly threshold: number;
}

export const ULOG: TargetDef<UlogData> = {
  name: 'ULOG',
  kernel: 'net/ipv4/netfilter/ipt_ULOG.c',
  families: V4,
  options: required('ulog-nlgroup', 'ulog-prefix', 'ulog-cprange', 'ulog-qthreshold'),
  parse(given) {
    const number = (name: string, min: number, max: number, otherwise: number): number => {
      const g = find(given, name);
      return g ? uintOption('ULOG', g, max, min) : otherwise;
    };
    const prefix = find(given, 'ulog-prefix');
    if (prefix?.value.includes('\n')) throw new OptionError('Newlines not allowed in --ulog-prefix', 'ulog-prefix');
    return {
      group: number('ulog-nlgroup', 1, 32, 1),
      prefix: prefix ? textOption(prefix, 31) : '',
      range: number('ulog-cprange', 1, U32, 0),
      threshold: number('ulog-qthreshold', 1, 50, 1),
    };
  },
  print(d) {
    let out = d.prefix === '' ? '' : ` --ulog-prefix ${quoteWord(d.prefix)}`;
    if (d.group !== 1) out += ` --ulog-nlgroup ${d.group}`;
    if (d.range !== 0) out += ` --ulog-cprange ${d.range}`;
    if (d.threshold !== 1) out += ` --ulog-qthreshold ${d.threshold}`;
    return out;
  },
  unsupported: true,
  lower: unknownEffect('ULOG'),
};
