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

export const devicesOf = memoByIdentity((links: readonly Link[]): Devices => {
  const list = links.map(deviceOf);
  if (!list.some((d) => d.loopback)) list.unshift(deviceOf(LOOPBACK));
  list.sort((a, b) => a.ifindex - b.ifindex);
  return { list, byName: new Map(list.map((d) => [d.name, d])), byIndex: new Map(list.map((d) => [d.ifindex, d])) };
});

const withLoopback = memoByIdentity((addrs: readonly IfAddr[]): readonly IfAddr[] => (addrs.some((a) => a.dev === 'lo') ? addrs : [...addrs, LOOPBACK_ADDR]));

/** Addresses; 127.0.0.1/8 on lo where the node does not list lo at all. */
export const addrsOf = (addrs: readonly IfAddr[]): readonly IfAddr[] => withLoopback(addrs);
