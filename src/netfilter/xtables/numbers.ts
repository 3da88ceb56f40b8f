/** Numbers as libxtables reads them (xtables_strtoui: strtoul with base 0). */

/** A whole number in decimal, 0x hexadecimal or 0 octal, min..max; null otherwise. Blanks and signs are refused. */
export function parseUint(text: string, max: number, min = 0): number | null {
  let v: number;
  if (/^[1-9][0-9]*$/.test(text) || text === '0') v = Number(text);
  else if (/^0[xX][0-9a-fA-F]+$/.test(text)) v = Number.parseInt(text.slice(2), 16);
  else if (/^0[0-7]+$/.test(text)) v = Number.parseInt(text, 8);
  else return null;
  return v >= min && v <= max ? v : null;
}

export const U32 = 0xffffffff;
/** As printf("0x%x"). */
export const hex = (v: number): string => `0x${(v >>> 0).toString(16)}`;
/** As printf("0x%0Nx"). */
export const hexPad = (v: number, digits: number): string => `0x${(v >>> 0).toString(16).padStart(digits, '0')}`;

/** `value[/mask]`, both 32 bits; null where malformed. A missing mask is `mask`. */
export function parseMarkMask(text: string, mask = U32): { value: number; mask: number } | null {
  const slash = text.indexOf('/');
  const value = parseUint(slash < 0 ? text : text.slice(0, slash), U32);
  const m = slash < 0 ? mask : parseUint(text.slice(slash + 1), U32);
  return value === null || m === null ? null : { value, mask: m };
}
