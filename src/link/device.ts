/** A link as the packet path reads it. */
import type { NetDevice } from '../packet/types.js';
import type { Link } from './model.js';

/** `default` is group 0; other names stand for what /etc/iproute2/group says, which a dump does not tell: 0 as well. */
function groupNumber(text: string): number {
  return text === 'default' || text === '' ? 0 : Number.parseInt(text, 10) || 0;
}

/** The net_device of a link: flags as bits, the group as a number. Carrier is what LOWER_UP says: right after a device
 * has come up it stands beside NO-CARRIER, which is the operational state and late (dev_get_flags). A device that is down shows neither and counts as plugged in.
 */
export function deviceOf(l: Link): NetDevice {
  const flag = (f: string): boolean => l.flags.includes(f);
  return {
    name: l.name,
    ifindex: l.ifindex,
    kind: l.kind,
    linkType: l.linkType,
    mac: l.mac,
    mtu: l.mtu,
    up: flag('UP'),
    carrier: flag('UP') ? flag('LOWER_UP') : !flag('NO-CARRIER'),
    loopback: flag('LOOPBACK') || l.linkType === 'loopback',
    noarp: flag('NOARP'),
    pointToPoint: flag('POINTOPOINT'),
    promisc: flag('PROMISC'),
    master: l.master,
    group: groupNumber(l.group),
  };
}
