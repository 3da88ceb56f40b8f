/** Bytes of a hexadecimal text of even length; an odd digit at the end and everything from the first non-digit on is left out. */
export function hexBytes(text: string): Uint8Array {
  const n = text.length >> 1;
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const v = nibble(text.charCodeAt(2 * i)) * 16 + nibble(text.charCodeAt(2 * i + 1));
    if (v < 0) return out.subarray(0, i);
    out[i] = v;
  }
  return out;
}

/** Value of one digit; far below zero when it is none, so that a sum with it stays negative. */
function nibble(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1000;
}

export function bytesHex(b: Uint8Array): string {
  let s = '';
  for (const v of b) s += (v < 16 ? '0' : '') + v.toString(16);
  return s;
}
