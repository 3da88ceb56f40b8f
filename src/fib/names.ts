/** Numbers and names of rtnetlink(7) that routes and rules are spoken of in. */
import type { RouteType } from '../packet/types.js';

export const RT_TABLE = { DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;
export const RT_SCOPE = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

const scopes: readonly (readonly [string, number])[] = [
  ['global', RT_SCOPE.UNIVERSE],
  ['universe', RT_SCOPE.UNIVERSE],
  ['site', RT_SCOPE.SITE],
  ['link', RT_SCOPE.LINK],
  ['host', RT_SCOPE.HOST],
  ['nowhere', RT_SCOPE.NOWHERE],
];
const scopeByName = new Map(scopes);

/** `scope` as `ip` prints it (name or number) to its number; unknown words count as universe. */
export function scopeNumber(text: string): number {
  const n = scopeByName.get(text);
  if (n !== undefined) return n;
  return /^\d{1,3}$/.test(text) ? Number(text) & 255 : RT_SCOPE.UNIVERSE;
}

/** 'local', 'main', 'default', else the number. */
export function tableName(id: number): string {
  return id === RT_TABLE.LOCAL ? 'local' : id === RT_TABLE.MAIN ? 'main' : id === RT_TABLE.DEFAULT ? 'default' : String(id);
}

export const EACCES = 13;
export const EINVAL = 22;
export const ENODEV = 19;
export const EAGAIN = 11;
export const ENETUNREACH = 101;
export const EHOSTUNREACH = 113;

/** fib_props[].error: what finding a route of this type means; 0 = usable, EAGAIN = on to the next rule. */
export const routeTypeErrno: Readonly<Record<RouteType, number>> = {
  unspec: 0,
  unicast: 0,
  local: 0,
  broadcast: 0,
  anycast: 0,
  multicast: 0,
  blackhole: EINVAL,
  unreachable: EHOSTUNREACH,
  prohibit: EACCES,
  throw: EAGAIN,
  nat: EINVAL,
  xresolve: EINVAL,
};
