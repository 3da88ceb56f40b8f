/** The one door to ip-num: it knows IPv6 text, it never sees a packet. */
import { IPv6, Validator } from 'ip-num';

export { IPv6 };

export function validateIPv6(text: string): boolean {
  return Validator.isValidIPv6String(text)[0];
}
