/** CT, NOTRACK and TRACE: what the raw table is for (xt_CT.c, xt_TRACE.c). */

import type { CtTemplate } from '../../env.js';
import type { CheckContext, Given, TargetDef } from '../extension.js';
import { OptionError } from '../extension.js';
import { BOTH, find, has, textOption, uintOption } from './common.js';

/** Bits of enum ip_conntrack_events, in the order iptables prints them. */
const EVENTS: readonly (readonly [string, number])[] = [
  ['new', 0],
  ['related', 1],
  ['destroy', 2],
  ['reply', 3],
  ['assured', 4],
  ['protoinfo', 5],
  ['helper', 6],
  ['mark', 7],
  ['natseqinfo', 8],
  ['secmark', 9],
];
const EXP_EVENTS: readonly (readonly [string, number])[] = [['new', 0]];
/** Helpers of the kernel and the protocols they register for (nf_conntrack_helper_try_module_get). */
const HELPERS: ReadonlyMap<string, readonly number[]> = new Map([
  ['amanda', [17]],
  ['ftp', [6]],
  ['RAS', [17]],
  ['Q.931', [6]],
  ['irc', [6]],
  ['netbios-ns', [17]],
  ['pptp', [6]],
  ['sane', [6]],
  ['sip', [6, 17]],
  ['snmp', [17]],
  ['snmp_trap', [17]],
  ['tftp', [17]],
]);

interface CtData extends CtTemplate {
  readonly notrack: boolean;
}

function eventBits(g: Given | undefined, table: typeof EVENTS): number {
  let bits = 0;
  for (const word of g?.value.split(',') ?? []) {
    const row = table.find(([n]) => n === word);
    if (!row) throw new OptionError(`Unknown event type "${word}"`, g?.name, table.map(([n]) => n).join(', '));
    bits |= 1 << row[1];
  }
  return bits;
}

const eventNames = (bits: number, table: typeof EVENTS): string =>
  table
    .filter(([, bit]) => (bits & (1 << bit)) !== 0)
    .map(([n]) => n)
    .join(',');

const ZONES = ['zone', 'zone-orig', 'zone-reply'];

export const CT: TargetDef<CtData> = {
  name: 'CT',
  kernel: 'net/netfilter/xt_CT.c',
  families: BOTH,
  tables: ['raw'],
  options: [{ name: 'notrack', arg: 'none' }, ...['helper', 'timeout', 'ctevents', 'expevents', ...ZONES].map((name) => ({ name, arg: 'required' }) as const)],
  parse(given) {
    const helper = find(given, 'helper');
    const timeout = find(given, 'timeout');
    let zone = 0;
    let zoneMark = false;
    let zoneDir: CtTemplate['zoneDir'] = 'both';
    // --zone-orig and --zone-reply both set: the later number counts, for both ways.
    for (const g of given) {
      if (!ZONES.includes(g.name)) continue;
      if (g.value === 'mark') zoneMark = true;
      else zone = uintOption('CT', g, 65535);
      if (g.name !== 'zone') {
        const dir = g.name === 'zone-orig' ? 'orig' : 'reply';
        zoneDir = zoneDir !== 'both' && zoneDir !== dir ? 'both' : dir;
      }
    }
    return {
      notrack: has(given, 'notrack'),
      helper: helper ? textOption(helper, 15) : null,
      timeout: timeout ? textOption(timeout, 31) : null,
      ctevents: eventBits(find(given, 'ctevents'), EVENTS),
      expevents: eventBits(find(given, 'expevents'), EXP_EVENTS),
      zone,
      zoneDir,
      zoneMark,
    };
  },
  print(d) {
    let out = d.notrack ? ' --notrack' : '';
    if (d.helper !== null) out += ` --helper ${d.helper}`;
    if (d.timeout !== null) out += ` --timeout ${d.timeout}`;
    if (d.ctevents !== 0) out += ` --ctevents ${eventNames(d.ctevents, EVENTS)}`;
    if (d.expevents !== 0) out += ` --expevents ${eventNames(d.expevents, EXP_EVENTS)}`;
    const option = d.zoneDir === 'both' ? 'zone' : `zone-${d.zoneDir}`;
    if (d.zoneMark) out += ` --${option} mark`;
    else if (d.zone !== 0) out += ` --${option} ${d.zone}`;
    return out;
  },
  check(d, ctx) {
    if (d.notrack) return;
    if (d.helper !== null) checkHelper(d.helper, ctx);
    if (d.timeout !== null && (ctx.proto === 0 || ctx.protoInverted)) {
      throw new OptionError('CT: You must specify a L4 protocol and not use inversions on it', 'timeout');
    }
    if (d.timeout !== null) throw new OptionError(`CT: No such timeout policy "${d.timeout}"`, 'timeout', 'timeout policies cannot be declared here');
  },
  needsConntrack: (d) => !d.notrack,
  lower: (d) => (c) => {
    // Seen before (loopback), or already has a template.
    if (c.skb.ct !== null || c.skb.ctinfo !== 0) return 'CONTINUE';
    if (d.notrack) c.env.ct.untrack(c.skb);
    else c.env.ct.attachTemplate(c.skb, d);
    return 'CONTINUE';
  },
};

function checkHelper(name: string, ctx: CheckContext): void {
  if (ctx.proto === 0 || ctx.protoInverted)
    throw new OptionError('CT: You must specify a L4 protocol and not use inversions on it', 'helper', 'put -p tcp or -p udp in front of it');
  if (!HELPERS.get(name)?.includes(ctx.proto)) throw new OptionError(`CT: No such helper "${name}"`, 'helper', [...HELPERS.keys()].join(', '));
}

export const NOTRACK: TargetDef<null> = {
  name: 'NOTRACK',
  kernel: 'net/netfilter/xt_CT.c',
  families: BOTH,
  tables: ['raw'],
  options: [],
  parse: () => null,
  print: () => '',
  lower: () => (c) => {
    if (c.skb.ct === null && c.skb.ctinfo === 0) c.env.ct.untrack(c.skb);
    return 'CONTINUE';
  },
};

export const TRACE: TargetDef<null> = {
  name: 'TRACE',
  kernel: 'net/netfilter/xt_TRACE.c',
  families: BOTH,
  tables: ['raw'],
  options: [],
  parse: () => null,
  print: () => '',
  lower: () => (c) => {
    c.skb.nfTrace = true;
    return 'CONTINUE';
  },
};
