/** `-p tcp -m tcp`: ports, flags and options of a TCP header. */
import { tcpFlags, whenPresent } from '../../fields.js';
import { all, call, type Field, masked, negateIf, type PacketCtx, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type OptionSpec, type RuleStep } from '../extension.js';
import { parseUint } from '../numbers.js';
import { ANY_PORTS, anyPorts, dropFlagFragment, dropTinygram, loadTransport, nftPortTests, type PortMatch, portTests } from '../transport.js';
import { bang, given, portRange, showPorts } from '../values.js';

interface TcpMatch {
  readonly sport: PortMatch;
  readonly dport: PortMatch;
  readonly flags: { readonly mask: number; readonly value: number; readonly invert: boolean } | null;
  readonly option: { readonly kind: number; readonly invert: boolean } | null;
}

const FLAGS: readonly (readonly [string, number])[] = [
  ['FIN', 1],
  ['SYN', 2],
  ['RST', 4],
  ['PSH', 8],
  ['ACK', 16],
  ['URG', 32],
  ['ALL', 63],
  ['NONE', 0],
];

function parseFlags(text: string): number {
  let bits = 0;
  for (const word of text.split(',')) {
    if (word === '') continue;
    const flag = FLAGS.find(([n]) => n === word.toUpperCase());
    if (!flag) throw new OptionError(`Unknown TCP flag \`${word}'`, 'tcp-flags', `one of ${FLAGS.map(([n]) => n).join(', ')}`);
    bits |= flag[1];
  }
  return bits;
}
const showFlags = (bits: number): string =>
  FLAGS.slice(0, 6)
    .filter(([, b]) => bits & b)
    .map(([n]) => n)
    .join(',') || 'NONE';

export const portOptions: readonly OptionSpec[] = [
  { name: 'sport', arg: 'required', invert: true },
  { name: 'source-port', arg: 'required', invert: true, alias: 'sport' },
  { name: 'dport', arg: 'required', invert: true },
  { name: 'destination-port', arg: 'required', invert: true, alias: 'dport' },
];

export function parsePortMatch(gs: readonly Given[], name: string, proto: string): PortMatch {
  const g = given(gs, name);
  return g ? { range: portRange(g, proto), invert: g.invert } : ANY_PORTS;
}

/** `--sport` and `--dport` as saved: a range of everything is left out unless it is inverted. */
export function showPortMatch(option: string, m: PortMatch): string {
  if (m.range[0] === 0 && m.range[1] === 65535 && !m.invert) return '';
  return `${bang(m.invert)} --${option} ${showPorts(m.range)}`;
}

function parseTcpFlags(gs: readonly Given[]): TcpMatch['flags'] {
  const g = given(gs, 'tcp-flags');
  if (!g) return given(gs, 'syn') ? { mask: 0x17, value: 2, invert: given(gs, 'syn')!.invert } : null;
  const [mask, value] = g.value.split(' ');
  return { mask: parseFlags(mask), value: parseFlags(value), invert: g.invert };
}

function parseTcpOption(g: Given | undefined): TcpMatch['option'] {
  if (!g) return null;
  const kind = parseUint(g.value, 1, 255);
  if (kind === null) throw new OptionError(`Bad TCP option "${g.value}"`, 'tcp-option');
  return { kind, invert: g.invert };
}

/** Is the option there? tcp_find_option(): reads kinds and lengths as they come, whatever stands in front. */
function hasTcpOption(c: PacketCtx, kind: number): boolean {
  const { data, thoff } = c.skb;
  const end = Math.min(thoff + (data[thoff + 12] >>> 4) * 4, data.length);
  for (let i = thoff + 20; i < end; ) {
    if (data[i] === kind) return true;
    i += data[i] < 2 ? 1 : data[i + 1] || 1;
  }
  return false;
}

/** Data offset smaller than the header, or options cut off: tcp_mt() drops such a packet when an option is asked for. */
const badDataOffset: RuleStep = {
  kind: 'hotdrop',
  pred: call(
    'tcp data offset',
    [],
    (c) => {
      const { data, thoff, fragOffset } = c.skb;
      const length = (data[thoff + 12] >>> 4) * 4;
      return fragOffset === 0 && (length < 20 || thoff + length > data.length);
    },
    'a TCP header that ends before its options',
  ),
};

const optionTest = (kind: number, invert: boolean): Pred =>
  negateIf(
    invert,
    call('tcp option', [], (c) => hasTcpOption(c, kind), `TCP option ${kind}`),
  );

/** The flags byte as nft_payload loads it: the rest of the header need not be there. */
const loadedFlags: Field = { ...tcpFlags, read: (c) => loadTransport(c, 13, 1) };

/** add_nft_tcp() of iptables: options and a match that asks for nothing stay with xtables. */
function lowerNft({ sport, dport, flags, option }: TcpMatch): RuleStep[] | null {
  const noFlags = flags === null || (flags.mask === 0 && flags.value === 0 && !flags.invert);
  if (option || (noFlags && anyPorts(sport) && anyPorts(dport))) return null;
  const tests = nftPortTests(sport, dport);
  if (flags && flags.mask !== 0) tests.unshift(whenPresent(loadedFlags, flags.invert, masked(loadedFlags, flags.mask, flags.value)));
  return tests.map((pred) => ({ kind: 'test', pred }));
}

export const tcp: MatchDef<TcpMatch> = {
  name: 'tcp',
  kernel: 'net/netfilter/xt_tcpudp.c',
  families: ['ipv4', 'ipv6'],
  protocols: [6],
  options: [
    ...portOptions,
    { name: 'syn', arg: 'none', invert: true, excl: ['tcp-flags'] },
    { name: 'tcp-flags', arg: 'required', words: 2, invert: true, excl: ['syn'] },
    { name: 'tcp-option', arg: 'required', invert: true },
  ],
  parse: (gs) => ({
    sport: parsePortMatch(gs, 'sport', 'tcp'),
    dport: parsePortMatch(gs, 'dport', 'tcp'),
    flags: parseTcpFlags(gs),
    option: parseTcpOption(given(gs, 'tcp-option')),
  }),
  print: ({ sport, dport, flags, option }) =>
    showPortMatch('sport', sport) +
    showPortMatch('dport', dport) +
    (option ? `${bang(option.invert)} --tcp-option ${option.kind}` : '') +
    (flags && (flags.mask !== 0 || flags.invert) ? `${bang(flags.invert)} --tcp-flags ${showFlags(flags.mask)} ${showFlags(flags.value)}` : ''),
  lower: ({ sport, dport, flags, option }) => {
    const steps: RuleStep[] = [dropFlagFragment, dropTinygram(20)];
    const tests = portTests(sport, dport);
    if (flags) tests.push(negateIf(flags.invert, masked(tcpFlags, flags.mask, flags.value)));
    steps.push({ kind: 'test', pred: all(...tests) });
    if (option) steps.push(badDataOffset, { kind: 'test', pred: optionTest(option.kind, option.invert) });
    return steps;
  },
  lowerNft,
};
