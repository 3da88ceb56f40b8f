/** The readers of other domains' dumps, under the signatures that parts.ts uses. */
import type { Parsed } from '../base/diagnostic.js';
import type { PolicyRule, Route } from '../fib/model.js';
import type { IpSet } from '../netfilter/ipset/model.js';
import type { XtRuleset } from '../netfilter/xtables/model.js';

interface ReadOptions {
  readonly file: string;
}
type Family = 'ipv4' | 'ipv6';

function missing<T>(value: T, file: string): Parsed<T> {
  return { value, diagnostics: [{ code: 'reader-missing', severity: 'error', message: 'no reader yet', span: { file, line: 1, column: 1, length: 0 } }] };
}

export const readIptablesSave = (_text: string, o: ReadOptions & { readonly family: Family }): Parsed<XtRuleset> => missing({ family: o.family, tables: [] }, o.file);
export const readIpRoute = (_text: string, o: ReadOptions & { readonly family: Family }): Parsed<readonly Route[]> => missing([], o.file);
export const readIpRule = (_text: string, o: ReadOptions & { readonly family: Family }): Parsed<readonly PolicyRule[]> => missing([], o.file);
export const readIpsetSave = (_text: string, o: ReadOptions): Parsed<readonly IpSet[]> => missing([], o.file);
export const readEbtablesSave = (_text: string, o: ReadOptions): Parsed<unknown> => missing(null, o.file);
