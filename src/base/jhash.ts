/** Bob Jenkins' hash of 32-bit words (lookup3) as the kernel has it (linux/jhash.h), and what it makes of a hash: all words unsigned, 32 bits. */

import type { Addr } from './addr.js';

const INITVAL = 0xdeadbeef;

const rol = (v: number, by: number): number => (v << by) | (v >>> (32 - by));

/** __jhash_final(): c of three words mixed for the last time. */
function final(a: number, b: number, c: number): number {
  c = (c ^ b) - rol(b, 14);
  a = (a ^ c) - rol(c, 11);
  b = (b ^ a) - rol(a, 25);
  c = (c ^ b) - rol(b, 16);
  a = (a ^ c) - rol(c, 4);
  b = (b ^ a) - rol(a, 14);
  return ((c ^ b) - rol(b, 24)) >>> 0;
}

/** jhash2() of any number of words; of one to three of them jhash_1word(), jhash_2words(), jhash_3words() are the same. */
export function jhash(words: readonly number[], initval: number): number {
  let a = (INITVAL + words.length * 4 + initval) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; words.length - at > 3; at += 3) {
    a = (a + words[at]) | 0;
    b = (b + words[at + 1]) | 0;
    c = (c + words[at + 2]) | 0;
    a = (a - c) ^ rol(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rol(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rol(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rol(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rol(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rol(b, 4);
    b = (b + a) | 0;
  }
  if (words.length === 0) return c >>> 0;
  return final((a + (words[at] ?? 0)) | 0, (b + (words[at + 1] ?? 0)) | 0, (c + (words[at + 2] ?? 0)) | 0);
}

const swapped = (v: number): number => ((v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24)) >>> 0;

/** The words of an address as the kernel hashes them: as they lie in the memory of a little-endian host. */
export const wordsOfAddr = (a: Addr): readonly number[] =>
  typeof a === 'number' ? [swapped(a)] : [0, 2, 4, 6].map((i) => swapped(a.charCodeAt(i) * 0x10000 + a.charCodeAt(i + 1)));

/** reciprocal_scale(): a hash of 32 bits as a number below `size`. */
export const reciprocalScale = (hash: number, size: number): number => Math.floor((hash * size) / 2 ** 32);
