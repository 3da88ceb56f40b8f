/** What `&`, `|`, `^`, `<<` and `>>` make of values: numbers of up to 48 bits, and longer ones as text of 16 bits a character (nft_bitwise.c). */
import type { Scalar } from '../pred.js';

export type Operator = (a: Scalar, b: Scalar) => Scalar;

const units = (a: string, b: string, op: (x: number, y: number) => number): string => {
  const length = Math.max(a.length, b.length);
  const [x, y] = [a.padStart(length, '\0'), b.padStart(length, '\0')];
  return String.fromCharCode(...Array.from({ length }, (_, i) => op(x.charCodeAt(i), y.charCodeAt(i))));
};
const text = (v: Scalar): string =>
  typeof v === 'string' ? v : String.fromCharCode(Math.floor(v / 2 ** 32) & 0xffff, Math.floor(v / 2 ** 16) & 0xffff, v & 0xffff);

const bitwise =
  (op: (x: number, y: number) => number): Operator =>
  (a, b) => {
    if (typeof a === 'string' || typeof b === 'string') return units(text(a), text(b), op);
    const high = op(Math.floor(a / 2 ** 32), Math.floor(b / 2 ** 32)) >>> 0;
    return high * 2 ** 32 + (op((a % 2 ** 32) | 0, (b % 2 ** 32) | 0) >>> 0);
  };

export const bitAnd = bitwise((x, y) => x & y);
export const bitOr = bitwise((x, y) => x | y);
export const bitXor = bitwise((x, y) => x ^ y);
/** By a number of bits; what leaves the 32 bits of a register is lost. */
export const shiftLeft: Operator = (a, b) => ((a as number) * 2 ** (b as number)) % 2 ** 32;
export const shiftRight: Operator = (a, b) => Math.floor((a as number) / 2 ** (b as number));
export const isZero = (v: Scalar): boolean => (typeof v === 'number' ? v === 0 : /^\0*$/.test(v));
