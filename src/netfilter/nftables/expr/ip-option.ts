/** `ip option rr exists`, `ip option ra value 0`: options of IPv4 (nft_exthdr_ipv4_eval, __ip_options_compile). */
import { ETH_P_IP } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import type { NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { typeNamed } from '../types.js';
import { bitsOf } from './bits.js';
import { carries } from './payload.js';
import { fields, type PayloadField } from './payload-fields.js';

const END = 0;
const NOOP = 1;
const RR = 7;
const TIMESTAMP = 68;
const LSRR = 131;
const SSRR = 137;
const RA = 148;

const POINTED = fields('nh', 'type 0 8; length 8 8; ptr 16 8; addr 24 32');
const OPTIONS: ReadonlyMap<string, { readonly kind: number; readonly fields: ReadonlyMap<string, PayloadField> }> = new Map([
  ['lsrr', { kind: LSRR, fields: POINTED }],
  ['rr', { kind: RR, fields: POINTED }],
  ['ssrr', { kind: SSRR, fields: POINTED }],
  ['ra', { kind: RA, fields: fields('nh', 'type 0 8; length 8 8; value 16 16') }],
]);

/** Where the options of the header stand that the kernel understands; null: one of them is wrong, so that it understands none. */
function compiled(c: PacketCtx): ReadonlyMap<number, number> | null {
  const d = c.skb.data;
  const end = (d[0] & 15) * 4;
  if (d.length < end) return null;
  const found = new Map<number, number>();
  for (let at = 20; at < end && d[at] !== END; ) {
    if (d[at] === NOOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? d[at + 1] : 0;
    if (length < 2 || length > end - at || !understood(c, d.subarray(at, at + length), at, found)) return null;
    at += length;
  }
  return found;
}

function understood(c: PacketCtx, o: Uint8Array, at: number, found: Map<number, number>): boolean {
  const known = (kind: number): boolean => found.has(kind);
  switch (o[0]) {
    case SSRR:
    case LSRR:
      if (known(SSRR) || known(LSRR) || o.length < 7 || o[2] !== 4 || (o.length - 3) % 4 !== 0) return false;
      break;
    case RR:
      if (known(RR) || o.length < 3 || o[2] < 4 || (o[2] <= o.length && o[2] + 3 > o.length)) return false;
      break;
    case TIMESTAMP:
      if (known(TIMESTAMP) || o.length < 4 || o[2] < 5 || !stampRoom(c, o)) return false;
      break;
    case RA:
      if (o.length < 4) return false;
      if (o[2] !== 0 || o[3] !== 0) return true;
      break;
    default:
      return c.env.inconclusive(`not modelled: IP option ${o[0]}, which counts where the process at hand may have raw sockets`, c);
  }
  found.set(o[0], at);
  return true;
}

/** Is there room for the next time stamp, or one left to be counted? */
function stampRoom(c: PacketCtx, o: Uint8Array): boolean {
  const flag = o[3] & 15;
  if (o[2] > o.length) return flag === 3 || o[3] >>> 4 !== 15;
  if (flag !== 0 && flag !== 1 && flag !== 3) return c.env.inconclusive(`not modelled: IP time stamps of kind ${flag}`, c);
  return o[2] + (flag === 0 ? 3 : 7) <= o.length;
}

const parsed: NftReadDef = {
  words: ['ip'],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t, _, s) => {
    if (!t.take('option')) return null;
    const name = t.word('the name of an option');
    const option = OPTIONS.get(name.text);
    if (!option) throw new NftError(`“${name.text}” is no option of IP`, name, [...OPTIONS.keys()].join(', '));
    const place = (c: PacketCtx): number | undefined => compiled(c)?.get(option.kind);
    const f = option.fields.get(t.peek().text);
    const isIp4 = carries(ETH_P_IP, s.family);
    if (!f) return { type: typeNamed('boolean'), read: (c) => (isIp4(c) ? (place(c) === undefined ? 0 : 1) : undefined) };
    t.next();
    return {
      type: f.type,
      read: (c) => {
        const at = isIp4(c) ? place(c) : undefined;
        if (at === undefined || c.skb.data.length * 8 < at * 8 + f.at + f.bits) return undefined;
        return bitsOf(c.skb.data, at * 8 + f.at, f.bits);
      },
    };
  },
};
export const ipOption: readonly NftReadDef[] = [parsed];
