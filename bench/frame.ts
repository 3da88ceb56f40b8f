/** Frames as the kernel's injector makes them. */
import { foldChecksum, sum16 } from '../src/packet/checksum.js';

/** A 60-byte frame with a TCP SYN, as inject.c makes it. */
export function synFrame(src: number, dst: number, sport: number, dport: number): Uint8Array {
  const f = new Uint8Array(60);
  f.set([2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1, 8, 0]);
  const v = new DataView(f.buffer, 14);
  v.setUint16(0, 0x4500);
  v.setUint16(2, 40);
  v.setUint16(8, 0x4006);
  v.setUint32(12, src);
  v.setUint32(16, dst);
  v.setUint16(10, foldChecksum(sum16(f, 14, 34)));
  v.setUint16(20, sport);
  v.setUint16(22, dport);
  v.setUint32(24, 1);
  v.setUint16(32, 0x5002);
  v.setUint16(34, 0xffff);
  const sum = sum16(f, 26, 34) + sum16(f, 34, 54) + 6 + 20;
  v.setUint16(36, foldChecksum(sum));
  return f;
}

const FRAME = 60;
const APART = 64;

/** Frames made beforehand, side by side, each copied when it is sent: as inject.c keeps them and as the kernel takes them. */
export class Frames {
  readonly #all: Int32Array;
  readonly #words = new Int32Array(FRAME / 4);
  readonly #frame = new Uint8Array(this.#words.buffer);
  readonly length: number;
  constructor(n: number, make: (i: number) => Uint8Array) {
    const bytes = new Uint8Array(APART * n);
    for (let i = 0; i < n; i++) bytes.set(make(i), APART * i);
    this.#all = new Int32Array(bytes.buffer);
    this.length = n;
  }
  /** Valid until the next one is asked for. */
  at(i: number): Uint8Array {
    const from = (APART / 4) * i;
    for (let k = 0; k < FRAME / 4; k++) this.#words[k] = this.#all[from + k];
    return this.#frame;
  }
}
