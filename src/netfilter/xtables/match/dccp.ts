/** `-p dccp -m dccp`: ports, packet types and options. */
import { all, call, negateIf, type PacketCtx, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type RuleStep } from '../extension.js';
import { ANY_PORTS, dropTinygram, type PortMatch, portTests } from '../transport.js';
import { bang, given, portRc, showPorts, uint } from '../values.js';
import { portOptions } from './tcp.js';

interface DccpMatch {
  readonly sport: PortMatch | null;
  readonly dport: PortMatch | null;
  /** One bit per packet type. */
  readonly types: { readonly mask: number; readonly invert: boolean } | null;
  readonly option: { readonly kind: number; readonly invert: boolean } | null;
}
const TYPES = ['REQUEST', 'RESPONSE', 'DATA', 'ACK', 'DATAACK', 'CLOSEREQ', 'CLOSE', 'RESET', 'SYNC', 'SYNCACK', 'INVALID'];

function parseTypes(g: Given | undefined): DccpMatch['types'] {
  if (!g) return null;
  let mask = 0;
  for (const word of g.value.split(',')) {
    if (word === '') continue;
    const i = TYPES.indexOf(word.toUpperCase());
    if (i < 0) throw new OptionError(`Unknown DCCP type \`${word}'`, g.name, `one of ${TYPES.join(', ')}`);
    mask |= 1 << i;
  }
  return { mask, invert: g.invert };
}

function parsePorts(g: Given | undefined): PortMatch | null {
  if (!g) return null;
  const range = portRc('dccp', g);
  if (range[0] > range[1]) throw new OptionError('dccp: invalid portrange (min > max)', g.name);
  return { range, invert: g.invert };
}

const show = (name: string, m: PortMatch | null): string => (m ? `${bang(m.invert)} --${name} ${showPorts(m.range)}` : '');
const showTypes = (mask: number): string => TYPES.filter((_, i) => mask & (1 << i)).join(',');

const typeOf = (c: PacketCtx): number => (c.skb.data[c.skb.thoff + 8] >>> 1) & 15;

/** Bytes of the header that a packet type adds (dccp_packet_hdr_len()), by number. */
const TYPE_HEADER = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8];

/** The options, or null where the header is cut off. */
function optionBytes(c: PacketCtx): Uint8Array | null {
  const { data, thoff } = c.skb;
  const extended = data[thoff + 8] & 1;
  const fixed = 12 + (extended ? 4 : 0) + (TYPE_HEADER[typeOf(c)] ?? 12);
  const end = thoff + data[thoff + 4] * 4;
  if (end < thoff + fixed || end > data.length) return null;
  return data.subarray(thoff + fixed, end);
}

/** dccp_find_option(): null drops the packet. */
function hasOption(c: PacketCtx, kind: number): boolean | null {
  const op = optionBytes(c);
  if (!op) return null;
  for (let i = 0; i < op.length; ) {
    if (op[i] === kind) return true;
    i += op[i] < 2 ? 1 : op[i + 1] || 1;
  }
  return false;
}

function lower(d: DccpMatch): readonly RuleStep[] {
  const tests: Pred[] = portTests(d.sport ?? ANY_PORTS, d.dport ?? ANY_PORTS);
  if (d.types) {
    const { mask, invert } = d.types;
    tests.push(
      negateIf(
        invert,
        call(
          'dccp type',
          [],
          (c) => (mask & (1 << typeOf(c))) !== 0,
          showTypes(mask),
          (c) => TYPES[typeOf(c)] ?? String(typeOf(c)),
        ),
      ),
    );
  }
  const steps: RuleStep[] = [dropTinygram(12), { kind: 'test', pred: all(...tests) }];
  const option = d.option;
  if (option) {
    steps.push({ kind: 'hotdrop', pred: call('dccp header', [], (c) => hasOption(c, option.kind) === null, 'a DCCP header cut off') });
    steps.push({
      kind: 'test',
      pred: negateIf(
        option.invert,
        call('dccp option', [], (c) => hasOption(c, option.kind) === true, `option ${option.kind}`),
      ),
    });
  }
  return steps;
}

export const dccp: MatchDef<DccpMatch> = {
  name: 'dccp',
  kernel: 'net/netfilter/xt_dccp.c',
  families: ['ipv4', 'ipv6'],
  protocols: [33],
  options: [...portOptions, { name: 'dccp-types', arg: 'required', invert: true }, { name: 'dccp-option', arg: 'required', invert: true }],
  parse: (gs) => {
    const option = given(gs, 'dccp-option');
    return {
      sport: parsePorts(given(gs, 'sport')),
      dport: parsePorts(given(gs, 'dport')),
      types: parseTypes(given(gs, 'dccp-types')),
      option: option ? { kind: uint('dccp', option, 1, 255), invert: option.invert } : null,
    };
  },
  print: (d) =>
    show('sport', d.sport) +
    show('dport', d.dport) +
    (d.types ? `${bang(d.types.invert)} --dccp-types ${showTypes(d.types.mask)}` : '') +
    (d.option ? `${bang(d.option.invert)} --dccp-option ${d.option.kind}` : ''),
  lower,
};
