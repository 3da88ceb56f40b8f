/** MAC addresses in bytes. */
import type { Mac } from '../base/addr.js';

export function writeMac(b: Uint8Array, at: number, mac: Mac): void {
  let v = mac;
  for (let i = 5; i >= 0; i--) {
    b[at + i] = v % 256;
    v = Math.floor(v / 256);
  }
}

export function readMac(b: Uint8Array, at: number): Mac {
  const high = (b[at] << 8) | b[at + 1];
  const low = (b[at + 2] << 24) | (b[at + 3] << 16) | (b[at + 4] << 8) | b[at + 5];
  return high * 2 ** 32 + (low >>> 0);
}
