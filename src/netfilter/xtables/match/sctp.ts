/** `-p sctp -m sctp`: ports and chunk types. */
import { all, call, negateIf, type PacketCtx, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError, type RuleStep } from '../extension.js';
import { dropTinygram, type PortMatch, portTests } from '../transport.js';
import { bang, given, showPorts } from '../values.js';
import { parsePortMatch, portOptions } from './tcp.js';

type Which = 'any' | 'all' | 'only';
interface ChunkFlags {
  readonly mask: number;
  readonly value: number;
}
interface Chunks {
  readonly which: Which;
  readonly types: ReadonlySet<number>;
  /** By chunk type. */
  readonly flags: ReadonlyMap<number, ChunkFlags>;
  readonly invert: boolean;
}
interface SctpMatch {
  readonly sport: PortMatch | null;
  readonly dport: PortMatch | null;
  readonly chunks: Chunks | null;
}

/** name, number, letters of the flag bits from the highest. */
const CHUNKS: readonly (readonly [string, number, string])[] = [
  ['DATA', 0, '----IUBE'],
  ['INIT', 1, '--------'],
  ['INIT_ACK', 2, '--------'],
  ['SACK', 3, '--------'],
  ['HEARTBEAT', 4, '--------'],
  ['HEARTBEAT_ACK', 5, '--------'],
  ['ABORT', 6, '-------T'],
  ['SHUTDOWN', 7, '--------'],
  ['SHUTDOWN_ACK', 8, '--------'],
  ['ERROR', 9, '--------'],
  ['COOKIE_ECHO', 10, '--------'],
  ['COOKIE_ACK', 11, '--------'],
  ['ECN_ECNE', 12, '--------'],
  ['ECN_CWR', 13, '--------'],
  ['SHUTDOWN_COMPLETE', 14, '-------T'],
  ['I_DATA', 64, '----IUBE'],
  ['RE_CONFIG', 130, '--------'],
  ['PAD', 132, '--------'],
  ['ASCONF', 193, '--------'],
  ['ASCONF_ACK', 128, '--------'],
  ['FORWARD_TSN', 192, '--------'],
  ['I_FORWARD_TSN', 194, '--------'],
];
const ALL_TYPES = Array.from({ length: 256 }, (_, i) => i);

function parseFlags(text: string, [, type, letters]: (typeof CHUNKS)[number]): ChunkFlags {
  let mask = 0;
  let value = 0;
  for (const letter of text) {
    const at = letter === '-' ? -1 : letters.indexOf(letter.toUpperCase());
    if (at < 0) throw new OptionError(`Invalid flags for chunk type ${type}`, 'chunk-types');
    mask |= 128 >> at;
    if (letter === letter.toUpperCase()) value |= 128 >> at;
  }
  return { mask, value };
}

function parseChunks(g: Given | undefined): Chunks | null {
  if (!g) return null;
  const [whichWord, list = ''] = g.value.split(' ');
  const which = whichWord.toLowerCase() as Which;
  if (which !== 'any' && which !== 'all' && which !== 'only') throw new OptionError('Match type has to be one of "ALL", "ANY" or "ONLY"', g.name);
  const flags = new Map<number, ChunkFlags>();
  if (list.toUpperCase() === 'ALL') return { which, types: new Set(ALL_TYPES), flags, invert: g.invert };
  const types = new Set<number>();
  for (const word of list.toUpperCase() === 'NONE' ? [] : list.split(',')) {
    const [name, letters] = word.split(':');
    const row = CHUNKS.find(([n]) => n === name.toUpperCase());
    if (!row) throw new OptionError(`Unknown sctp chunk \`${name}'`, g.name, `one of ${CHUNKS.map(([n]) => n).join(', ')}`);
    types.add(row[1]);
    if (letters) flags.set(row[1], parseFlags(letters, row));
  }
  return { which, types, flags, invert: g.invert };
}

function showChunks(c: Chunks): string {
  if (c.types.size === 0) return `${c.which} NONE`;
  if (c.types.size === 256) return `${c.which} ALL`;
  const words = [...c.types]
    .sort((a, b) => a - b)
    .map((type) => {
      const row = CHUNKS.find(([, n]) => n === type);
      const f = c.flags.get(type);
      if (!row || !f) return row?.[0] ?? '';
      const letters = [...row[2]].filter((_, i) => f.mask & (128 >> i)).map((l) => (f.value & (128 >> row[2].indexOf(l)) ? l : l.toLowerCase()));
      return `${row[0]}:${letters.join('')}`;
    });
  return `${c.which} ${words.join(',')}`;
}

const show = (name: string, m: PortMatch | null): string => (m ? `${bang(m.invert)} --${name} ${showPorts(m.range)}` : '');

/** match_packet(): walks the chunks. null: damaged, the packet is dropped. */
function chunkMatch(k: Chunks, c: PacketCtx): boolean | null {
  const { data } = c.skb;
  const missing = new Set(k.types);
  const flagsFit = (type: number, flags: number) => ((k.flags.get(type)?.mask ?? 0) & flags) === (k.flags.get(type)?.value ?? 0);
  let at = c.skb.thoff + 12;
  do {
    const length = at + 4 <= data.length ? c.skb.u16(at + 2) : 0;
    if (length === 0) return null;
    const type = data[at];
    const fits = k.types.has(type) && flagsFit(type, data[at + 1]);
    if (k.which === 'any' && fits) return true;
    if (k.which === 'only' && !fits) return false;
    if (fits) missing.delete(type);
    at += (length + 3) & ~3;
  } while (at < data.length);
  return k.which === 'all' ? missing.size === 0 : k.which === 'only';
}

export const sctp: MatchDef<SctpMatch> = {
  name: 'sctp',
  kernel: 'net/netfilter/xt_sctp.c',
  families: ['ipv4', 'ipv6'],
  protocols: [132],
  options: [...portOptions, { name: 'chunk-types', arg: 'required', words: 2, invert: true }],
  parse: (gs) => ({
    sport: given(gs, 'sport') ? parsePortMatch(gs, 'sport', 'sctp') : null,
    dport: given(gs, 'dport') ? parsePortMatch(gs, 'dport', 'sctp') : null,
    chunks: parseChunks(given(gs, 'chunk-types')),
  }),
  print: (d) => show('sport', d.sport) + show('dport', d.dport) + (d.chunks ? `${bang(d.chunks.invert)} --chunk-types ${showChunks(d.chunks)}` : ''),
  // A damaged chunk drops and does not match; negated, the rule holds all the same and the packet is dropped behind it.
  lower: (d) =>
    d.chunks?.invert ? [...portSteps(d), { kind: 'stateful', name: 'sctp', test: noChunks(d.chunks), show: `! ${showChunks(d.chunks)}` }] : steps(d),
  lowerNft: steps,
};

function noChunks(k: Chunks): (c: PacketCtx) => boolean {
  return (c) => {
    const fits = chunkMatch(k, c);
    if (fits === null) c.hotdrop = true;
    return fits !== true;
  };
}

function portSteps(d: SctpMatch): RuleStep[] {
  const none: PortMatch = { range: [0, 65535], invert: false };
  const ports: Pred = all(...portTests(d.sport ?? none, d.dport ?? none));
  return [dropTinygram(12), { kind: 'test', pred: ports }];
}

function steps(d: SctpMatch): RuleStep[] {
  const k = d.chunks;
  if (!k) return portSteps(d);
  return [
    ...portSteps(d),
    { kind: 'hotdrop', pred: call('sctp chunks', [], (c) => chunkMatch(k, c) === null, 'a damaged chunk') },
    {
      kind: 'test',
      pred: negateIf(
        k.invert,
        call('sctp chunks', [], (c) => chunkMatch(k, c) === true, showChunks(k)),
      ),
    },
  ];
}
