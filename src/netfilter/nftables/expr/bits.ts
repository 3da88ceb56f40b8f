/** Bits of bytes as values: numbers of up to 48 bits, and longer ones, as addresses of IPv6, as a text of 16 bits a character (base/addr.ts). */
import type { Scalar } from '../../pred.js';
import { integer, type NftType } from '../types.js';

/** The most bits that are a number. */
export const NARROW = 48;

/** The bits at + 0 … at + bits - 1 of the bytes, which are all there. */
export function bitsOf(d: Uint8Array, at: number, bits: number): Scalar {
  if (bits <= NARROW) return numberOf(d, at, bits);
  let out = '';
  const first = bits % 16 || 16;
  out += String.fromCharCode(numberOf(d, at, first));
  for (let done = first; done < bits; done += 16) out += String.fromCharCode(numberOf(d, at + done, 16));
  return out;
}

function numberOf(d: Uint8Array, at: number, bits: number): number {
  const first = at >>> 3;
  const end = (at + bits + 7) >>> 3;
  let v = 0;
  for (let i = first; i < end; i++) v = v * 256 + d[i];
  const behind = end * 8 - at - bits;
  return (behind === 0 ? v : Math.floor(v / 2 ** behind)) % 2 ** bits;
}

/** A number of that many bits, as a value of more than 48; null: it is none, or does not fit. */
export function wideNumber(word: string, bits: number): string | null {
  if (!/^(0x[0-9a-fA-F]{1,600}|\d{1,600})$/.test(word)) return null;
  let rest = BigInt(word);
  if (rest >> BigInt(bits) !== 0n) return null;
  let out = '';
  for (let done = 0; done < bits; done += 16) {
    out = String.fromCharCode(Number(rest & 0xffffn)) + out;
    rest >>= 16n;
  }
  return out;
}

const wideText = (v: Scalar): string =>
  `0x${Array.from(String(v), (c) => c.charCodeAt(0).toString(16).padStart(4, '0'))
    .join('')
    .replace(/^0+(?=.)/, '')}`;

/** `integer` of so many bits as payload has it, in the order of the wire. */
export const bitInteger = (bits: number): NftType =>
  bits <= NARROW ? integer(bits) : { name: 'integer', bits, parse: (w) => wideNumber(w, bits), show: wideText };
