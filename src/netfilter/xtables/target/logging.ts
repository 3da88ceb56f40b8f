/** LOG and NFLOG (xt_LOG.c, xt_NFLOG.c): tell, and go on. */
import { packetView } from '../../../packet/view.js';
import type { PacketCtx } from '../../pred.js';
import type { TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { parseUint, U32 } from '../numbers.js';
import { quoteWord } from '../quote.js';
import { BOTH, find, has, textOption, uintOption } from './common.js';

/** nf_log_packet(): a line of the kernel log, or what a netlink group gets (`level` NFLOG_LEVEL). `options`: NF_LOG_* bits. */
export function tellLog(c: PacketCtx, prefix: string, level: number, options: number): void {
  const { rule, skb, env } = c;
  if (!env.rec.on || !rule) return;
  const dev = c.in ?? c.out;
  env.rec.event({
    t: 'log',
    node: env.node,
    skb: skb.id,
    time: env.now(),
    rule,
    prefix,
    level,
    options,
    in: c.in?.name ?? '',
    out: c.out?.name ?? '',
    physin: skb.nfBridge?.physindev.name ?? '',
    physout: skb.nfBridge?.physoutdev?.name ?? '',
    view: packetView(skb),
    macLinkType: dev?.linkType ?? '',
    macAt: skb.macAt,
  });
}

/** Level names of `--log-level`, in full. */
const LEVELS: ReadonlyMap<string, number> = new Map([
  ['alert', 1],
  ['crit', 2],
  ['debug', 7],
  ['emerg', 0],
  ['error', 3],
  ['info', 6],
  ['notice', 5],
  ['panic', 0],
  ['warning', 4],
]);
const DEFAULT_LEVEL = 4;
/** NF_LOG_* bits, in the order printed. */
const FLAGS: readonly (readonly [string, number])[] = [
  ['log-tcp-sequence', 0x01],
  ['log-tcp-options', 0x02],
  ['log-ip-options', 0x04],
  ['log-uid', 0x08],
  ['log-macdecode', 0x20],
];

interface LogData {
  readonly prefix: string;
  readonly level: number;
  readonly flags: number;
}

export const LOG: TargetDef<LogData> = {
  name: 'LOG',
  kernel: 'net/netfilter/xt_LOG.c',
  families: BOTH,
  options: [{ name: 'log-level', arg: 'required' }, { name: 'log-prefix', arg: 'required' }, ...FLAGS.map(([name]) => ({ name, arg: 'none' }) as const)],
  parse(given) {
    const prefix = find(given, 'log-prefix');
    if (prefix?.value.includes('\n')) throw new OptionError('Newlines not allowed in --log-prefix', 'log-prefix');
    const level = find(given, 'log-level');
    const value = level ? (parseUint(level.value, 0, 7) ?? LEVELS.get(level.value)) : DEFAULT_LEVEL;
    if (value === undefined) throw new OptionError(`log level "${level?.value}" unknown`, 'log-level', `0..7 or ${[...LEVELS.keys()].join(', ')}`);
    return {
      prefix: prefix ? textOption(prefix, 29) : '',
      level: value,
      flags: FLAGS.reduce((bits, [name, bit]) => bits | (has(given, name) ? bit : 0), 0),
    };
  },
  print(d) {
    let out = d.prefix === '' ? '' : ` --log-prefix ${quoteWord(d.prefix)}`;
    if (d.level !== DEFAULT_LEVEL) out += ` --log-level ${d.level}`;
    for (const [name, bit] of FLAGS) if (d.flags & bit) out += ` --${name}`;
    return out;
  },
  lower: (d) => (c) => {
    tellLog(c, d.prefix, d.level, d.flags);
    return 'CONTINUE';
  },
};

interface NflogData {
  readonly group: number;
  readonly prefix: string;
  readonly range: number;
  readonly size: number | null;
  readonly threshold: number;
}

/** The `level` of a 'log' event that goes to a netlink group and not to the kernel log. */
export const NFLOG_LEVEL = -1;

export const NFLOG: TargetDef<NflogData> = {
  name: 'NFLOG',
  kernel: 'net/netfilter/xt_NFLOG.c',
  families: BOTH,
  options: [
    { name: 'nflog-group', arg: 'required' },
    { name: 'nflog-prefix', arg: 'required' },
    { name: 'nflog-range', arg: 'required', excl: ['nflog-size'] },
    { name: 'nflog-size', arg: 'required', excl: ['nflog-range'] },
    { name: 'nflog-threshold', arg: 'required' },
  ],
  parse(given) {
    const number = (name: string, max: number): number | null => {
      const g = find(given, name);
      return g ? uintOption('NFLOG', g, max) : null;
    };
    const prefix = find(given, 'nflog-prefix');
    if (prefix?.value.includes('\n')) throw new OptionError('Newlines not allowed in --log-prefix', 'nflog-prefix');
    return {
      group: number('nflog-group', 65535) ?? 0,
      prefix: prefix ? textOption(prefix, 63) : '',
      range: number('nflog-range', U32) ?? 0,
      size: number('nflog-size', U32),
      threshold: number('nflog-threshold', 65535) ?? 0,
    };
  },
  print(d) {
    let out = d.prefix === '' ? '' : ` --nflog-prefix ${quoteWord(d.prefix)}`;
    if (d.group !== 0) out += ` --nflog-group ${d.group}`;
    if (d.size !== null) out += ` --nflog-size ${d.size}`;
    else if (d.range !== 0) out += ` --nflog-range ${d.range}`;
    if (d.threshold !== 0) out += ` --nflog-threshold ${d.threshold}`;
    return out;
  },
  lower: (d) => (c) => {
    tellLog(c, d.prefix, NFLOG_LEVEL, 0);
    return 'CONTINUE';
  },
};
