/** `-m connbytes [!] --connbytes from[:to] --connbytes-dir original|reply|both --connbytes-mode packets|bytes|avgpkt`. */
import type { NfConn } from '../../../packet/types.js';
import { call, negateIf } from '../../pred.js';
import { type Given, type MatchDefWithConntrack, OptionError } from '../extension.js';
import { U64 } from '../numbers.js';
import { bang, given, uintRange } from '../values.js';

const DIRS = ['original', 'reply', 'both'] as const;
const MODES = ['packets', 'bytes', 'avgpkt'] as const;
interface ConnbytesMatch {
  readonly from: bigint;
  readonly to: bigint;
  readonly invert: boolean;
  readonly dir: (typeof DIRS)[number];
  readonly mode: (typeof MODES)[number];
}

function oneOfWords<T extends string>(gs: readonly Given[], name: string, words: readonly T[]): T {
  const value = given(gs, name)!.value as T;
  if (!words.includes(value)) throw new OptionError(`Unknown --${name} \`${value}'`, name, words.join(', '));
  return value;
}

function parse(gs: readonly Given[]): ConnbytesMatch {
  const g = given(gs, 'connbytes')!;
  const [from, to = U64] = uintRange('connbytes', g, U64);
  if (to < from) throw new OptionError(`${from} should be less than ${to}`, 'connbytes');
  // The tool keeps an inversion by exchanging the ends, so that it is lost where they are equal.
  return { from, to, invert: g.invert && from !== to, dir: oneOfWords(gs, 'connbytes-dir', DIRS), mode: oneOfWords(gs, 'connbytes-mode', MODES) };
}

/** connbytes_mt(): packets, bytes or bytes per packet (rounded down, 0 without packets) of one or both directions. */
function measure(d: ConnbytesMatch, ct: NfConn): number {
  const sum = ([o, r]: readonly [number, number]) => (d.dir === 'original' ? o : d.dir === 'reply' ? r : o + r);
  const packets = sum(ct.acct.packets);
  const bytes = sum(ct.acct.bytes);
  if (d.mode === 'packets') return packets;
  return d.mode === 'bytes' ? bytes : packets === 0 ? 0 : Math.floor(bytes / packets);
}

export const connbytes: MatchDefWithConntrack<ConnbytesMatch> = {
  name: 'connbytes',
  kernel: 'net/netfilter/xt_connbytes.c',
  families: ['ipv4', 'ipv6'],
  options: [
    { name: 'connbytes', arg: 'required', invert: true, mandatory: true },
    { name: 'connbytes-dir', arg: 'required', mandatory: true },
    { name: 'connbytes-mode', arg: 'required', mandatory: true },
  ],
  parse,
  print: (d) => `${bang(d.invert)} --connbytes ${d.from}${d.to !== 0n && d.to < U64 ? `:${d.to}` : ''} --connbytes-mode ${d.mode} --connbytes-dir ${d.dir}`,
  lower: (d) => {
    const within = call(
      `connection ${d.mode}`,
      [],
      (c) => c.skb.ct !== null && measure(d, c.skb.ct) >= Number(d.from) && measure(d, c.skb.ct) <= Number(d.to),
      `${d.from} to ${d.to}`,
      (c) => (c.skb.ct ? String(measure(d, c.skb.ct)) : 'no connection'),
    );
    const hasConnection = call(
      'connection',
      [],
      (c) => c.skb.ct !== null,
      'a tracked connection',
      () => 'none',
    );
    return [{ kind: 'test', pred: d.invert ? { op: 'all', of: [hasConnection, negateIf(true, within)] } : within }];
  },
  needsConntrack: () => true,
};
