/** Targets that load and print but are not evaluated: a packet that reaches one is inconclusive, naming it. */
import { formatMac, type Mac, parseMac } from '../../../base/addr.js';
import type { Given, OptionSpec, TargetAct, TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { U32 } from '../numbers.js';
import { quoteWord } from '../quote.js';
import { BOTH, find, has, textOption, uintOption, V4 } from './common.js';

/** lower() of all of these. */
const unknownEffect = (name: string) => (): TargetAct => (c) => c.env.inconclusive(`-j ${name}`, c);

const required = (...names: string[]): OptionSpec[] => names.map((name) => ({ name, arg: 'required' }));

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
