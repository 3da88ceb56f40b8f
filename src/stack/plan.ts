/** The compiled, immutable side of a node, memoised on the identity of its parts: toggling one sysctl recompiles no chain and no route. */
import { memoByIdentity } from '../base/memo.js';
import { LOOPBACK, LOOPBACK_ADDR } from '../link/defaults.js';
import { deviceOf } from '../link/device.js';
import type { IfAddr, Link } from '../link/model.js';
import type { NetDevice } from '../packet/types.js';

export interface Devices {
  readonly list: readonly NetDevice[];
  readonly byName: ReadonlyMap<string, NetDevice>;
  readonly byIndex: ReadonlyMap<number, NetDevice>;
}

/** Devices that are ports of, or lie below, one that takes frames from them and is not simulated: its kind, by their names. */
function takersOf(links: readonly Link[]): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  const kinds = new Map(links.map((l) => [l.name, l.kind]));
  for (const l of links) {
    const master = l.master === null ? undefined : kinds.get(l.master);
    if (master !== undefined && MASTERS.has(master)) out.set(l.name, master);
    if (l.link !== null && UPPERS.has(l.kind)) out.set(l.link, l.kind);
  }
  return out;
}
const MASTERS: ReadonlySet<string> = new Set(['bond', 'team', 'vrf', 'hsr', 'openvswitch']);
const UPPERS: ReadonlySet<string> = new Set(['macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'macsec']);

export const devicesOf = memoByIdentity((links: readonly Link[]): Devices => {
  const takers = takersOf(links);
  const list = links.map((l) => {
    const takenBy = takers.get(l.name);
    return takenBy === undefined ? deviceOf(l) : { ...deviceOf(l), takenBy };
  });
  if (!list.some((d) => d.loopback)) list.unshift(deviceOf(LOOPBACK));
  list.sort((a, b) => a.ifindex - b.ifindex);
  return { list, byName: new Map(list.map((d) => [d.name, d])), byIndex: new Map(list.map((d) => [d.ifindex, d])) };
});

const withLoopback = memoByIdentity((addrs: readonly IfAddr[]): readonly IfAddr[] => (addrs.some((a) => a.dev === 'lo') ? addrs : [...addrs, LOOPBACK_ADDR]));

/** Addresses; 127.0.0.1/8 on lo where the node does not list lo at all. */
export const addrsOf = (addrs: readonly IfAddr[]): readonly IfAddr[] => withLoopback(addrs);
