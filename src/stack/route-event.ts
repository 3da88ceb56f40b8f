/** How a route that a node asked for itself is told, of either family. */
import type { Addr } from '../base/addr.js';
import type { Dst } from '../packet/types.js';
import type { EventBody, RouteStep } from '../trace/event.js';
import type { OutputQuery } from './kernel.js';

/** The event of ip_route_output_flow() or ip6_route_output_flags(): `src` is the source asked for, `prefsrc` the one that the answer chose. */
export function outputEvent(q: OutputQuery, src: Addr, dst: Dst | null, prefsrc: Addr | null, errno: number, tables: readonly RouteStep[]): EventBody {
  return {
    t: 'route',
    purpose: q.purpose ?? 'output',
    src,
    dst: q.dst,
    iif: null,
    oif: q.oif?.name ?? null,
    mark: q.mark ?? 0,
    tos: q.tos ?? 0,
    tables,
    type: dst?.type ?? 'unreachable',
    dev: dst?.dev.name ?? null,
    gateway: dst?.gateway ?? null,
    prefsrc,
    errno,
  };
}
