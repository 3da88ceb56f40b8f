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
  let v = 0;
  for (let i = 0; i < 6; i++) v = v * 256 + b[at + i];
  return v;
}
