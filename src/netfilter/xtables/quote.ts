/** Words as iptables-save writes them and iptables-restore reads them back. */

/** xtables_save_string(): in double quotes unless it is all letters, digits, `_` and `-`; `"`, `'` and `\` are escaped. */
export function quoteWord(s: string): string {
  return /^[A-Za-z0-9_-]+$/.test(s) ? s : `"${s.replace(/["'\\]/g, '\\$&')}"`;
}
