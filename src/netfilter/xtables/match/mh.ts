/** `-p mobility-header -m mh [!] --mh-type type[:type]`. */
import { call } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { inRange, type NumberRange } from '../exthdr.js';
import { parseUint } from '../numbers.js';
import { dropTinygram, hasPorts } from '../transport.js';
import { given, showNumberRange } from '../values.js';

const NAMES: readonly (readonly [string, number])[] = [
  ['binding-refresh-request', 0],
  ['brr', 0],
  ['home-test-init', 1],
  ['hoti', 1],
  ['careof-test-init', 2],
  ['coti', 2],
  ['home-test', 3],
  ['hot', 3],
  ['careof-test', 4],
  ['cot', 4],
  ['binding-update', 5],
  ['bu', 5],
  ['binding-acknowledgement', 6],
  ['ba', 6],
  ['binding-error', 7],
  ['be', 7],
];
const NO_NEXT_HEADER = 59;

/** A name, a beginning of one (the first that fits, an exact one before all), or a number. */
function parseType(text: string): number {
  const w = text.toLowerCase();
  const named = NAMES.findLast(([n]) => n === w) ?? NAMES.find(([n]) => n.startsWith(w));
  const type = named ? named[1] : parseUint(text, 0, 255);
  if (type === null) throw new OptionError(`Invalid MH type \`${text}'`, 'mh-type');
  return type;
}

function parseTypes(g: Given | undefined): NumberRange {
  if (!g) return { lo: 0, hi: 255, invert: false };
  const colon = g.value.indexOf(':');
  const [a, b] = colon < 0 ? [g.value, g.value] : [g.value.slice(0, colon), g.value.slice(colon + 1)];
  const lo = a === '' ? 0 : parseType(a);
  const hi = b === '' ? 255 : parseType(b);
  if (lo > hi) throw new OptionError('Invalid MH type range (min > max)', g.name);
  return { lo, hi, invert: g.invert };
}

export const mh: MatchDef<NumberRange> = {
  name: 'mh',
  kernel: 'net/ipv6/netfilter/ip6t_mh.c',
  families: ['ipv6'],
  protocols: [135],
  options: [{ name: 'mh-type', arg: 'required', invert: true }],
  parse: (gs) => parseTypes(given(gs, 'mh-type')),
  print: (d) => showNumberRange('mh-type', d, 255),
  lower: (d) => [
    dropTinygram(6),
    {
      kind: 'hotdrop',
      pred: call('mobility header', [], (c) => c.skb.fragOffset === 0 && c.skb.u8(c.skb.thoff) !== NO_NEXT_HEADER, 'a mobility header with a payload'),
    },
    {
      kind: 'test',
      pred: {
        op: 'all',
        of: [
          hasPorts,
          call(
            'mh type',
            [],
            (c) => inRange(d, c.skb.u8(c.skb.thoff + 2)),
            `${d.lo} to ${d.hi}`,
            (c) => String(c.skb.u8(c.skb.thoff + 2)),
          ),
        ],
      },
    },
  ],
};
