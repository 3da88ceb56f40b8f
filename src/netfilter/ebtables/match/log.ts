/** Watchers: they write and never decide. */
import { syslogLevels } from '../../../base/well-known.js';
import { packetView } from '../../../packet/view.js';
import { OptionError, type RuleStep } from '../../xtables/extension.js';
import { NFLOG_LEVEL } from '../../xtables/target/logging.js';
import type { EbtGiven } from '../model.js';
import { type EbtMatchDef, type EbtOption, ebtOption, givenValue } from '../option.js';
import { parseNumber } from '../values.js';

const NOTICE = 5;
/** EBT_LOG_IP, EBT_LOG_ARP, EBT_LOG_IP6. */
const FLAGS: readonly (readonly [string, number])[] = [
  ['log-ip', 0x01],
  ['log-arp', 0x02],
  ['log-ip6', 0x08],
];
const bitmask = (given: readonly EbtGiven[]): number => FLAGS.reduce((bits, [option, bit]) => (given.some((g) => g.option === option) ? bits | bit : bits), 0);
const quoted = (s: string): string => `"${s}"`;
const flag = (name: string): EbtOption => ebtOption<true>({ name, flag: true, noInvert: true, parse: () => true, print: () => '' });

function level(text: string): number {
  const named = syslogLevels.find(([n]) => n === text.toLowerCase());
  return named ? named[1] : parseNumber(text, 0, 7, 'log level');
}

/** Adds what is absent, keeps the printing order of `options`. */
function withDefaults(options: readonly EbtOption[], given: readonly EbtGiven[], defaults: readonly EbtGiven[], drop: string): readonly EbtGiven[] {
  const all = [...given.filter((g) => g.option !== drop), ...defaults.filter((d) => !given.some((g) => g.option === d.option))];
  return options.flatMap((o) => all.filter((g) => g.option === o.name));
}

function steps(prefix: string, lvl: number, options: number): readonly RuleStep[] {
  return [
    {
      kind: 'stateful',
      name: 'log',
      show: 'always',
      test(c) {
        if (c.env.rec.on && c.rule) {
          c.env.rec.event({
            t: 'log',
            node: c.env.node,
            skb: c.skb.id,
            time: c.env.now(),
            rule: c.rule,
            prefix,
            level: lvl,
            options,
            in: c.in?.name ?? '',
            out: c.out?.name ?? '',
            physin: '',
            physout: '',
            view: packetView(c.skb),
            macLinkType: (c.in ?? c.out)?.linkType ?? '',
            macAt: c.skb.macAt,
          });
        }
        return true;
      },
    },
  ];
}

const logOptions: readonly EbtOption[] = [
  flag('log'),
  ebtOption<number>({ name: 'log-level', noInvert: true, parse: level, print: (v) => syslogLevels.find(([, n]) => n === v)?.[0] ?? String(v) }),
  ebtOption<string>({
    name: 'log-prefix',
    noInvert: true,
    parse(t) {
      if (t.length > 29) throw new OptionError('Prefix too long');
      return t;
    },
    print: quoted,
  }),
  flag('log-ip'),
  flag('log-arp'),
  flag('log-ip6'),
];

export const logWatcher: EbtMatchDef = {
  name: 'log',
  kernel: 'net/bridge/netfilter/ebt_log.c',
  watcher: true,
  options: logOptions,
  finish: (given) => withDefaults(logOptions, given, [{ option: 'log-level', invert: false, value: NOTICE }], 'log'),
  steps: (given) => steps(String(givenValue(given, 'log-prefix') ?? ''), givenValue(given, 'log-level') as number, bitmask(given)),
};

const nflogOptions: readonly EbtOption[] = [
  flag('nflog'),
  ebtOption<string>({ name: 'nflog-prefix', noInvert: true, parse: (t) => t, print: quoted }),
  ebtOption<number>({ name: 'nflog-group', noInvert: true, parse: (t) => parseNumber(t, 0, 65535, 'group'), print: String }),
  ebtOption<number>({ name: 'nflog-range', noInvert: true, parse: (t) => parseNumber(t, 0, 0xffffffff, 'range'), print: String }),
  ebtOption<number>({ name: 'nflog-threshold', noInvert: true, parse: (t) => parseNumber(t, 0, 65535, 'threshold'), print: String }),
];

export const nflogWatcher: EbtMatchDef = {
  name: 'nflog',
  kernel: 'net/bridge/netfilter/ebt_nflog.c',
  watcher: true,
  options: nflogOptions,
  finish: (given) => withDefaults(nflogOptions, given, [{ option: 'nflog-group', invert: false, value: 1 }], 'nflog'),
  steps: (given) => steps(String(givenValue(given, 'nflog-prefix') ?? ''), NFLOG_LEVEL, 0),
};
