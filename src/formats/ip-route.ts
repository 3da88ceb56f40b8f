/** `ip route show [table all]` of either family, as text and as `-j` JSON (ip-route(8); iproute2 ip/iproute.c print_route()). */
import type { Family } from '../base/addr.js';
import { type Parsed, Reporter } from '../base/diagnostic.js';
import type { Route } from '../fib/model.js';
import { RT_TABLE } from '../fib/names.js';
import { routeText } from '../fib/text.js';
import type { ReadRouteOptions } from './ip-route-draft.js';
import { routesOfJson, routeToJson } from './ip-route-json.js';
import { routesOfText } from './ip-route-text.js';
import { looksLikeJson } from './json.js';

/**
 * Routes in the order of the dump; an IPv4 dump may go on with IPv6 routes (`ip route show table all`). A line that cannot be read is reported and left out.
 */
export function readIpRoute(text: string, o: ReadRouteOptions): Parsed<readonly Route[]> {
  const reporter = new Reporter(o.file, text);
  const value = looksLikeJson(text) ? routesOfJson(text, reporter, o) : routesOfText(text, reporter, o);
  return { value, diagnostics: reporter.diagnostics };
}

export interface WriteRouteOptions {
  readonly family: Family;
  /** 'all', or the one table shown (main when absent). */
  readonly table?: number | 'all';
}

const shown = (routes: readonly Route[], o: WriteRouteOptions): readonly Route[] =>
  routes.filter((r) => r.family === o.family && (o.table === 'all' || r.table === (o.table ?? RT_TABLE.MAIN)));

/** What `ip [-6] route show [table T]` prints. */
export const writeIpRoute = (routes: readonly Route[], o: WriteRouteOptions): string =>
  shown(routes, o)
    .map((r) => `${routeText(r, o.table === 'all')}\n`)
    .join('');

/** What `ip -j [-6] route show [table T]` prints. */
export const writeIpRouteJson = (routes: readonly Route[], o: WriteRouteOptions): string =>
  `${JSON.stringify(shown(routes, o).map((r) => routeToJson(r, o.table === 'all')))}\n`;
