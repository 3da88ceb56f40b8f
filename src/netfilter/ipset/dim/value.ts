/** What every dimension's file shares: how a part of a member is held as 32-bit words, and what the text of a part may denote. */
import type { Addr, Family } from '../../../base/addr.js';
import { IpsetError } from '../types.js';

export type SetFamily = Family | 'unspec';

/** Words of an address. */
export const addrWords = (family: SetFamily): 1 | 4 => (family === 'ipv6' ? 4 : 1);

export function putAddr(key: Uint32Array, at: number, a: Addr): void {
  if (typeof a === 'number') {
    key[at] = a;
    return;
  }
  for (let i = 0; i < 4; i++) key[at + i] = (a.charCodeAt(2 * i) << 16) | a.charCodeAt(2 * i + 1);
}

export function getAddr(key: ArrayLike<number>, at: number, family: SetFamily): Addr {
  if (family !== 'ipv6') return key[at];
  let s = '';
  for (let i = 0; i < 4; i++) s += String.fromCharCode(key[at + i] >>> 16, key[at + i] & 0xffff);
  return s;
}

/** Masks the address of a key in place to its first `len` bits. */
export function maskWords(key: Uint32Array, at: number, words: 1 | 4, len: number): void {
  for (let i = 0; i < words; i++) {
    const bits = Math.min(32, Math.max(0, len - 32 * i));
    if (bits < 32) key[at + i] &= bits === 0 ? 0 : 0xffffffff << (32 - bits);
  }
}

/** Kernel-side refusals with the tool's words. */
export const zeroElement = (): IpsetError => new IpsetError('ipset-null-element', 'Null-valued element, cannot be stored in a hash type of set');
export const badCidr = (): IpsetError => new IpsetError('ipset-cidr', 'The value of the CIDR parameter of the IP address is invalid');
