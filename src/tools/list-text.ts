/**
 * How `iptables -L` words matches and targets (libxtables' print functions), made from what `iptables-save` prints of them. Every text begins with a blank.
 * An extension without an entry is shown as `-S` shows it.
 */
import { type IcmpName, icmp6Types, icmpTypes, serviceNames, servicePort } from '../base/well-known.js';

export interface SavedOption {
  readonly name: string;
  readonly invert: boolean;
  readonly values: readonly string[];
}
/** Options in the order saved; `numeric`: `-n`. */
type Show = (o: readonly SavedOption[], numeric: boolean) => string;

const value = (o: readonly SavedOption[], name: string): string | undefined => o.find((x) => x.name === name)?.values.join(' ');
const has = (o: readonly SavedOption[], name: string): boolean => o.some((x) => x.name === name);
const one = (o: readonly SavedOption[]): { v: string; bang: string } => ({ v: o[0]?.values.join(' ') ?? '', bang: o[0]?.invert ? '!' : '' });

/** The options with their dashes taken off. */
const bare: Show = (o) => o.map((x) => `${x.invert ? ' !' : ''} ${[x.name, ...x.values].join(' ')}`).join('');
const dashed: Show = (o) => o.map((x) => `${x.invert ? ' !' : ''} --${[x.name, ...x.values].join(' ')}`).join('');
const flags = (o: readonly SavedOption[], names: readonly string[]): string =>
  names
    .filter((n) => has(o, n))
    .map((n) => ` ${n}`)
    .join('');

let servicesByPort: Map<string, string> | null = null;
function portName(port: string, proto: string): string {
  if (!servicesByPort) {
    servicesByPort = new Map();
    for (const p of ['tcp', 'udp'])
      for (const n of serviceNames()) {
        const at = servicePort(n, p);
        if (at !== undefined && !servicesByPort.has(`${at}/${p}`)) servicesByPort.set(`${at}/${p}`, n);
      }
  }
  return servicesByPort.get(`${port}/${proto}`) ?? port;
}

function ports(o: readonly SavedOption[], proto: string, numeric: boolean): string {
  let out = '';
  for (const [option, word] of [
    ['sport', 'spt'],
    ['dport', 'dpt'],
  ]) {
    const x = o.find((s) => s.name === option);
    if (!x) continue;
    const named = x.values[0].split(':').map((p) => (numeric || p === '' ? p : portName(p, proto)));
    out += ` ${word}${named.length > 1 ? 's' : ''}:${x.invert ? '!' : ''}${named.join(':')}`;
  }
  return out;
}

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];
const flagBits = (t: string): string => {
  const bits = t.split(',').reduce((sum, f) => sum | (f === 'ALL' ? 0x3f : f === 'NONE' ? 0 : 1 << TCP_FLAGS.indexOf(f)), 0);
  return `0x${bits.toString(16).padStart(2, '0').toUpperCase()}`;
};

const tcp: Show = (o, numeric) => {
  let out = ` tcp${ports(o, 'tcp', numeric)}`;
  const option = o.find((x) => x.name === 'tcp-option');
  if (option) out += ` option=${option.invert ? '!' : ''}${option.values[0]}`;
  const f = o.find((x) => x.name === 'tcp-flags');
  if (f) out += ` flags:${f.invert ? '!' : ''}${f.values.map((v) => (numeric ? flagBits(v) : v)).join('/')}`;
  return out;
};

const icmp =
  (prefix: string, names: () => readonly IcmpName[]): Show =>
  (o, numeric) => {
    const { v, bang } = one(o);
    const [type, code] = v === 'any' ? ['255'] : v.split('/');
    const low = code === undefined ? 0 : Number(code);
    const high = code === undefined ? 255 : Number(code);
    const known = numeric ? undefined : names().find((n) => n.type === Number(type) && n.codeMin === low && n.codeMax === high);
    if (known) return ` ${prefix} ${bang}${known.name}`;
    return ` ${prefix}${o[0]?.invert ? ' !' : ''}type ${type}${code === undefined ? '' : ` code ${code}`}`;
  };

const multiport: Show = (o, numeric) => {
  const { v, bang } = one(o);
  const shown = v.split(',').map((p) =>
    p
      .split(':')
      .map((x) => (numeric ? x : portName(x, 'tcp')))
      .join(':'),
  );
  return ` multiport ${o[0]?.name ?? ''} ${bang === '' ? '' : ' !'}${shown.join(',')}`;
};

const addrtype: Show = (o) => {
  let out = ' ADDRTYPE match';
  for (const x of o)
    out += x.name === 'limit-iface-in' ? ' limit-in' : x.name === 'limit-iface-out' ? ' limit-out' : ` ${x.name} ${x.invert ? '!' : ''}${x.values[0]}`;
  return out;
};

const statistic: Show = (o) => {
  const p = o.find((x) => x.name === 'probability');
  if (p) return ` statistic mode random${p.invert ? ' !' : ''} probability ${p.values[0]}`;
  const every = o.find((x) => x.name === 'every');
  const packet = value(o, 'packet');
  return ` statistic mode nth${every?.invert ? ' !' : ''} every ${every?.values[0] ?? ''}${packet === undefined || packet === '0' ? '' : ` packet ${packet}`}`;
};

const recent: Show = (o) => {
  const verb = o.find((x) => ['set', 'rcheck', 'update', 'remove'].includes(x.name));
  const word = verb?.name === 'rcheck' ? 'CHECK' : (verb?.name.toUpperCase() ?? '');
  let out = `${verb?.invert ? ' !' : ''} recent: ${word}`;
  const field = (name: string, text: string): void => {
    const v = value(o, name);
    if (v !== undefined) out += ` ${text}: ${v}`;
  };
  field('seconds', 'seconds');
  if (has(o, 'reap')) out += ' reap';
  field('hitcount', 'hit_count');
  if (has(o, 'rttl')) out += ' TTL-Match';
  field('name', 'name');
  out += ` side: ${has(o, 'rdest') ? 'dest' : 'source'}`;
  field('mask', 'mask');
  return out;
};

const limit: Show = (o) => ` limit: avg ${value(o, 'limit') ?? ''} burst ${value(o, 'limit-burst') ?? '5'}`;

const hashlimit: Show = (o) => {
  const above = value(o, 'hashlimit-above');
  let out = above === undefined ? ` limit: up to ${value(o, 'hashlimit-upto') ?? ''}` : ` limit: above ${above}`;
  out += ` burst ${value(o, 'hashlimit-burst') ?? '5'}`;
  const mode = value(o, 'hashlimit-mode');
  if (mode !== undefined) out += ` mode ${mode.replaceAll(',', '-')}`;
  for (const [option, word] of [
    ['hashlimit-htable-size', 'htable-size'],
    ['hashlimit-htable-max', 'htable-max'],
    ['hashlimit-htable-gcinterval', 'htable-gcinterval'],
    ['hashlimit-htable-expire', 'htable-expire'],
    ['hashlimit-srcmask', 'srcmask'],
    ['hashlimit-dstmask', 'dstmask'],
  ]) {
    const v = value(o, option);
    if (v !== undefined) out += ` ${word} ${v}`;
  }
  return out;
};

const connlimit: Show = (o) => {
  const n = value(o, 'connlimit-above');
  return ` #conn ${has(o, 'connlimit-daddr') ? 'dst' : 'src'}/${value(o, 'connlimit-mask') ?? '32'} ${n === undefined ? '<=' : '>'} ${n ?? value(o, 'connlimit-upto') ?? ''}`;
};

const owner: Show = (o) =>
  o
    .map((x) => {
      const bang = x.invert ? ' !' : '';
      if (x.name === 'uid-owner') return `${bang} owner UID match ${x.values[0]}`;
      if (x.name === 'gid-owner') return `${bang} owner GID match ${x.values[0]}`;
      return x.name === 'socket-exists' ? `${bang} owner socket exists` : ` incl. suppl. groups`;
    })
    .join('');

const ttl =
  (what: string): Show =>
  (o) => {
    const x = o[0];
    const op = x?.name.endsWith('-lt') ? '<' : x?.name.endsWith('-gt') ? '>' : x?.invert ? '!=' : '==';
    return ` ${what} match ${what} ${op} ${x?.values[0] ?? ''}`;
  };

const POLICY_PROTO = new Map([
  ['ah', '51'],
  ['esp', '50'],
  ['ipcomp', '108'],
]);
const policy: Show = (o, numeric) =>
  ` policy match${o.map((x) => `${x.invert ? ' !' : ''} ${[x.name, ...x.values.map((v) => (x.name === 'proto' && numeric ? (POLICY_PROTO.get(v) ?? v) : v))].join(' ')}`).join('')}`;

const iprange: Show = (o) => o.map((x) => ` ${x.name === 'src-range' ? 'source' : 'destination'} IP range${x.invert ? ' !' : ''} ${x.values[0]}`).join('');

const ecn: Show = (o) =>
  ` ECN match${o.map((x) => `${x.invert ? ' !' : ''} ${x.name === 'ecn-tcp-cwr' ? 'CWR' : x.name === 'ecn-tcp-ece' ? 'ECE' : `ECT=${x.values[0]}`}`).join('')}`;

const plain =
  (words: string): Show =>
  (o) => {
    const { v, bang } = one(o);
    return ` ${words}${bang}${v}`;
  };

export const matchTexts: ReadonlyMap<string, Show> = new Map<string, Show>([
  ['comment', (o) => ` /* ${value(o, 'comment') ?? ''} */`],
  ['conntrack', bare],
  ['state', bare],
  ['set', bare],
  ['devgroup', bare],
  ['rpfilter', (o) => ` rpfilter${bare(o, true)}`],
  ['socket', (o) => ` socket${dashed(o, true)}`],
  ['physdev', (o) => ` PHYSDEV match${dashed(o, true)}`],
  ['tcp', tcp],
  ['udp', (o, n) => ` udp${ports(o, 'udp', n)}`],
  ['sctp', (o, n) => ` sctp${ports(o, 'sctp', n)}`],
  ['icmp', icmp('icmp', icmpTypes)],
  ['icmp6', icmp('ipv6-icmp', icmp6Types)],
  ['multiport', multiport],
  ['mac', (o) => ` MAC${o[0]?.invert ? ' !' : ''} ${one(o).v}`],
  ['limit', limit],
  ['hashlimit', hashlimit],
  ['connlimit', connlimit],
  ['pkttype', (o) => ` PKTTYPE ${o[0]?.invert ? '!=' : '='} ${one(o).v}`],
  ['addrtype', addrtype],
  ['iprange', iprange],
  ['mark', (o) => ` mark match${o[0]?.invert ? ' !' : ''} ${one(o).v}`],
  ['connmark', (o) => ` connmark match ${o[0]?.invert ? ' !' : ''} ${one(o).v}`],
  ['length', plain('length ')],
  ['tcpmss', plain('tcpmss match ')],
  ['tos', plain('tos match')],
  ['dscp', plain('DSCP match ')],
  ['ttl', ttl('TTL')],
  ['hl', ttl('HL')],
  ['owner', owner],
  ['recent', recent],
  ['policy', policy],
  ['statistic', statistic],
  ['ecn', ecn],
]);

const ALL_ONES = 0xffffffff;
/** `--set-xmark V/M` as MARK and CONNMARK read it. */
function xmark(prefix: string, text: string): string {
  const [v, m] = text.split('/').map(Number);
  const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
  if (v === 0) return ` ${prefix} and ${hex(~m)}`;
  if (v === m) return ` ${prefix} or ${hex(v)}`;
  if (m === 0) return ` ${prefix} xor ${hex(v)}`;
  return m === ALL_ONES ? ` ${prefix} set ${hex(v)}` : ` ${prefix} xset ${hex(v)}/${hex(m)}`;
}

const connmark: Show = (o) => {
  const set = value(o, 'set-xmark');
  if (set !== undefined) return xmark('CONNMARK', set);
  const nf = Number(value(o, 'nfmask') ?? ALL_ONES) >>> 0;
  const ct = Number(value(o, 'ctmask') ?? ALL_ONES) >>> 0;
  const verb = has(o, 'save-mark') ? 'save' : 'restore';
  if (nf === ct) return ` CONNMARK ${verb}${nf === ALL_ONES ? '' : ` mask 0x${nf.toString(16)}`}`;
  const [a, b] = [`nfmask 0x${nf.toString(16)}`, `ctmask 0x${ct.toString(16)}`];
  return ` CONNMARK ${verb} ${verb === 'save' ? `${a} ${b.replace('0x', '~0x')}` : `${b} ${a.replace('0x', '~0x')}`}`;
};

const LOG_FLAGS: readonly (readonly [string, number, string])[] = [
  ['log-tcp-sequence', 1, 'tcp-sequence'],
  ['log-tcp-options', 2, 'tcp-options'],
  ['log-ip-options', 4, 'ip-options'],
  ['log-uid', 8, 'uid'],
  ['log-macdecode', 32, 'macdecode'],
];
const LOG_LEVELS = ['emerg', 'alert', 'crit', 'error', 'warning', 'notice', 'info', 'debug'];

const log: Show = (o, numeric) => {
  const level = value(o, 'log-level') ?? '4';
  const set = LOG_FLAGS.filter(([name]) => has(o, name));
  const prefix = value(o, 'log-prefix');
  const tail = prefix === undefined ? '' : ` prefix "${prefix}"`;
  if (numeric) return ` LOG flags ${set.reduce((s, [, bit]) => s | bit, 0)} level ${level}${tail}`;
  return ` LOG level ${LOG_LEVELS[Number(level)] ?? level}${set.map(([, , w]) => ` ${w}`).join('')}${tail}`;
};

const nat =
  (option: string): Show =>
  (o) =>
    `${has(o, option) ? ` to:${value(o, option)}` : ''}${flags(o, ['random', 'random-fully', 'persistent'])}`;

export const targetTexts: ReadonlyMap<string, Show> = new Map<string, Show>([
  ['MARK', (o) => xmark('MARK', value(o, 'set-xmark') ?? '')],
  ['CONNMARK', connmark],
  ['SNAT', nat('to-source')],
  ['DNAT', nat('to-destination')],
  ['NETMAP', nat('to')],
  ['MASQUERADE', (o) => `${has(o, 'to-ports') ? ` masq ports: ${value(o, 'to-ports')}` : ''}${flags(o, ['random', 'random-fully'])}`],
  ['REDIRECT', (o) => `${has(o, 'to-ports') ? ` redir ports ${value(o, 'to-ports')}` : ''}${flags(o, ['random', 'random-fully'])}`],
  ['REJECT', bare],
  ['LOG', log],
  ['NFLOG', bare],
  ['SET', bare],
  ['CT', (o) => ` CT${bare(o, true)}`],
  ['TRACE', () => ''],
  ['NOTRACK', () => ' NOTRACK'],
  ['TPROXY', (o) => ` TPROXY redirect ${value(o, 'on-ip') ?? '0.0.0.0'}:${value(o, 'on-port') ?? '0'} mark ${value(o, 'tproxy-mark') ?? '0x0/0x0'}`],
  ['TCPMSS', (o) => (has(o, 'clamp-mss-to-pmtu') ? ' TCPMSS clamp to PMTU' : ` TCPMSS set ${value(o, 'set-mss')}`)],
  ['DSCP', (o) => ` DSCP set ${value(o, 'set-dscp')}`],
  ['TOS', (o) => ` TOS set ${value(o, 'set-tos')}`],
  [
    'CLASSIFY',
    (o) =>
      ` CLASSIFY set ${(value(o, 'set-class') ?? '')
        .split(':')
        .map((h) => Number.parseInt(h, 16).toString(16))
        .join(':')}`,
  ],
  ['TTL', (o) => ` TTL ${o[0]?.name === 'ttl-inc' ? 'increment by' : o[0]?.name === 'ttl-dec' ? 'decrement by' : 'set to'} ${one(o).v}`],
  ['CHECKSUM', () => ' CHECKSUM fill'],
]);
