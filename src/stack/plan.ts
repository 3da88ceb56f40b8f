/** The compiled, immutable side of a node, memoised on the identity of its parts: toggling one sysctl recompiles no chain and no route. */
import { memoByIdentity } from '../base/memo.js';
import type { IfAddr, Link } from '../link/model.js';
import type { NetDevice } from '../packet/types.js';

function groupNumber(text: string): number {
  return text === 'default' || text === '' ? 0 : Number.parseInt(text, 10) || 0;
}

function toDevice(l: Link): NetDevice {
  const flag = (f: string): boolean => l.flags.includes(f);
  return {
    name: l.name,
    ifindex: l.ifindex,
    kind: l.kind,
    linkType: l.linkType,
    mac: l.mac,
    mtu: l.mtu,
    up: flag('UP'),
    carrier: !flag('NO-CARRIER') && (flag('LOWER_UP') || !flag('UP')),
    loopback: flag('LOOPBACK') || l.linkType === 'loopback',
    noarp: flag('NOARP'),
    pointToPoint: flag('POINTOPOINT'),
    promisc: flag('PROMISC'),
    master: l.master,
    group: groupNumber(l.group),
  };
}

/** What every namespace has. */
const loopback: NetDevice = {
  name: 'lo',
  ifindex: 1,
  kind: '',
  linkType: 'loopback',
  mac: 0,
  mtu: 65536,
  up: true,
  carrier: true,
  loopback: true,
  noarp: false,
  pointToPoint: false,
  promisc: false,
  master: null,
  group: 0,
};

export interface Devices {
  readonly list: readonly NetDevice[];
  readonly byName: ReadonlyMap<string, NetDevice>;
  readonly byIndex: ReadonlyMap<number, NetDevice>;
}

export const devicesOf = memoByIdentity((links: readonly Link[]): Devices => {
  const list = links.map(toDevice);
  if (!list.some((d) => d.loopback)) list.unshift(loopback);
  list.sort((a, b) => a.ifindex - b.ifindex);
  return { list, byName: new Map(list.map((d) => [d.name, d])), byIndex: new Map(list.map((d) => [d.ifindex, d])) };
});

const withLoopback = memoByIdentity((addrs: readonly IfAddr[]): readonly IfAddr[] =>
  addrs.some((a) => a.dev === 'lo')
    ? addrs
    : [
        ...addrs,
        {
          dev: 'lo',
          family: 'ipv4',
          local: 0x7f000001,
          peer: null,
          prefixlen: 8,
          broadcast: null,
          scope: 'host',
          label: 'lo',
          secondary: false,
          flags: [],
          validLft: null,
          preferredLft: null,
          metric: null,
        },
      ],
);

/** Addresses; 127.0.0.1/8 on lo where the node does not list lo at all. */
export const addrsOf = (addrs: readonly IfAddr[]): readonly IfAddr[] => withLoopback(addrs);
