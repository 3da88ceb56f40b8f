/** Numbers as libxtables reads them (xtables_strtoui, xtables_strtoul: strtoumax(3) with base 0, no minus) and prints them. */

export const U8 = 0xff;
export const U16 = 0xffff;
export const U32 = 0xffffffff;
export const U64 = 0xffffffffffffffffn;

const NUMBER = /^[ \t\n\v\f\r]*\+?(0[xX][0-9a-fA-F]+|[0-9]+)/;

/** The number a text starts with, as strtoumax(3) with base 0 reads it, and what is left; null when it starts with none (a minus is refused). */
export function scanUint(text: string): { readonly value: bigint; readonly rest: string } | null {
  const m = NUMBER.exec(text);
  if (!m) return null;
  const digits = m[1];
  let used = digits;
  let value: bigint;
  if (digits.length > 1 && digits[0] === '0' && digits[1] !== 'x' && digits[1] !== 'X') {
    used = /^[0-7]+/.exec(digits)![0];
    value = BigInt(`0o${used}`);
  } else value = BigInt(digits.slice(0, 40));
  return { value, rest: text.slice(m[0].length - digits.length + used.length) };
}

/** A whole text as an unsigned number within lo..hi (xtables_strtoui); null otherwise. */
export function parseUint(text: string, lo = 0, hi = U32): number | null {
  if (/^[1-9][0-9]{0,8}$/.test(text)) {
    const n = Number(text);
    return n >= lo && n <= hi ? n : null;
  }
  const s = scanUint(text);
  if (s?.rest !== '' || s.value < BigInt(lo) || s.value > BigInt(hi)) return null;
  return Number(s.value);
}

/** As printf("0x%x"). */
export const hex = (v: number): string => `0x${(v >>> 0).toString(16)}`;
/** As printf("0x%0Nx"). */
export const hexPad = (v: number, digits: number): string => `0x${(v >>> 0).toString(16).padStart(digits, '0')}`;
