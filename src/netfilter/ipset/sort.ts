/** The order of `ipset -s` for members of hash types. */

/** Runs between `.`, `:` and `,`: the shorter run comes first, then the smaller text; of networks the longer prefix, a bare address before all. */
export function compareMembers(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  if (i === a.length || i === b.length) return a.length - b.length;
  const start = Math.max(a.lastIndexOf('.', i - 1), a.lastIndexOf(':', i - 1), a.lastIndexOf(',', i - 1), a.lastIndexOf('/', i - 1)) + 1;
  const ra = run(a, start);
  const rb = run(b, start);
  if (start > 0 && a[start - 1] === '/') return Number(rb) - Number(ra) || (a < b ? -1 : 1);
  if (ra.length !== rb.length) return ra.length - rb.length;
  if (ra !== rb) return ra < rb ? -1 : 1;
  const prefix = (s: string): number => (s[start + ra.length] === '/' ? Number(run(s, start + ra.length + 1)) : 129);
  return prefix(b) - prefix(a) || (a < b ? -1 : 1);
}

function run(s: string, at: number): string {
  let end = at;
  while (end < s.length && !'.:,/ '.includes(s[end])) end++;
  return s.slice(at, end);
}
