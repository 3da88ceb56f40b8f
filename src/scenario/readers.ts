/** The readers of other domains' dumps, under the signatures that parts.ts uses. */
import type { Parsed } from '../base/diagnostic.js';
import type { PolicyRule } from '../fib/model.js';
import type { IpSet } from '../netfilter/ipset/model.js';

interface ReadOptions {
  readonly file: string;
}
type Family = 'ipv4' | 'ipv6';

function missing<T>(value: T, file: string): Parsed<T> {
  return { value, diagnostics: [{ code: 'reader-missing', severity: 'error', message: 'no reader yet', span: { file, line: 1, column: 1, length: 0 } }] };
}

export { readIpRoute } from '../formats/ip-route.js';
export { readIptablesSave } from '../formats/iptables-save.js';
export { readIpRule } from '../formats/ip-rule.js';
export { readIpsetSave } from '../formats/ipset-save.js';
export const readEbtablesSave = (_text: string, o: ReadOptions): Parsed<unknown> => missing(null, o.file);
