/** `tcp option maxseg size set 1360`, `reset tcp option timestamp` (nft_exthdr_tcp_set_eval, nft_exthdr_tcp_strip_eval). */
import { checksumReplace } from '../../../packet/checksum.js';
import type { PacketCtx } from '../../pred.js';
import { tellMangle } from '../../xtables/target/common.js';
import { bitInteger } from '../expr/bits.js';
import { headerOf, optionIn, optionNamed, type Place, placeOf } from '../expr/tcp-option.js';
import { type NftExpr, parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef } from '../stmt.js';
import { NftError } from '../tokens.js';

const MAXSEG = 2;
const NOP = 1;
const CHECKSUM = 16;

const word = (b: Uint8Array, at: number, length: number): number => b.subarray(at, at + length).reduce((v, x) => v * 256 + x, 0);

/** Writes bytes of the header from an even offset on, with the checksum carried along. */
function rewrite(h: Uint8Array, from: number, after: Uint8Array): void {
  const before = h.slice(from, from + after.length);
  h.set(after, from);
  const sum = checksumReplace(word(h, CHECKSUM, 2), before, after);
  h.set([sum >>> 8, sum & 255], CHECKSUM);
}
/** The same from any offset; `bytes` of the words around it are kept. */
function rewriteBytes(h: Uint8Array, at: number, bytes: Uint8Array): void {
  const from = at - (at % 2);
  const end = Math.min(h.length, at + bytes.length + ((at + bytes.length) % 2));
  const after = h.slice(from, end);
  after.set(bytes, at - from);
  rewrite(h, from, after);
}

/** False: NFT_BREAK. A packet without the option goes on. */
function write(c: PacketCtx, kind: number, [at, bits]: Place, v: number): boolean {
  const h = headerOf(c);
  if (!h) return false;
  const o = optionIn(h, kind);
  if (!o) return true;
  const length = bits / 8;
  if (o.at + o.length > h.length || at / 8 + length > o.length) return false;
  const place = o.at + at / 8;
  const before = word(h, place, length);
  // More than the sender said it takes would stall the connection.
  if (before === v || (kind === MAXSEG && length === 2 && before <= v)) return true;
  rewriteBytes(
    h,
    place,
    Uint8Array.from({ length }, (_, i) => Math.floor(v / 256 ** (length - 1 - i)) & 255),
  );
  tellMangle(c, kind === MAXSEG ? 'tcp-mss' : `tcp option ${kind}`, before, v);
  return true;
}

function setStep(name: string, kind: number, place: Place, value: NftExpr): NftStep {
  return {
    kind: 'effect',
    name: `tcp option ${name} set`,
    run: (c) => {
      const v = value.one(c);
      return v !== undefined && write(c, kind, place, v as number);
    },
  };
}

export const tcpOption: NftStmtDef = {
  words: ['tcp'],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t, _, s) => {
    if (!t.take('option') || t.is('@')) return null;
    const token = t.peek();
    const { name, kind } = optionNamed(t);
    const place = placeOf(t, name, kind);
    if (!place || !t.take('set')) return null;
    if (place[1] !== 16 && place[1] !== 32) throw new NftError('the kernel writes options of two or four bytes', token);
    return setStep(name, kind, place, parseExpr(t, s, bitInteger(place[1])));
  },
};

/** Each byte of the option becomes a NOP; one that does not end is a reason to drop the packet. */
function strip(c: PacketCtx, kind: number): boolean {
  const h = headerOf(c);
  if (!h) return false;
  const o = optionIn(h, kind);
  if (!o) return true;
  if (o.at + o.length > h.length) {
    c.hotdrop = true;
    return false;
  }
  rewriteBytes(h, o.at, new Uint8Array(o.length).fill(NOP));
  tellMangle(c, 'tcp-option', kind, 'stripped');
  return true;
}

export const reset: NftStmtDef = {
  words: ['reset'],
  kernel: 'net/netfilter/nft_exthdr.c',
  parse: (t) => {
    if (!t.take('tcp')) return null;
    t.expect('option');
    const { name, kind } = optionNamed(t);
    return { kind: 'effect', name: `reset tcp option ${name}`, run: (c) => strip(c, kind) };
  },
};
