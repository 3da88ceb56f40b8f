/** The one door to ip-num: it knows IPv6 text, it never sees a packet. */
import { IPv6, Validator } from 'ip-num';

/** Eight groups in hexadecimal digits, colons between them, `::` once: the 128-bit number; null for any other text. */
export function numberOfIPv6(text: string): bigint | null {
  return Validator.isValidIPv6String(text)[0] ? new IPv6(text).getValue() : null;
}
