/** Interface names: `eth0`, `physdev:eth0`, `eth` with the option `wildcard`. */
import type { PacketCtx } from '../../pred.js';
import { IpsetError } from '../types.js';

export interface Iface {
  readonly name: string;
  readonly physdev: boolean;
}

export function parseIfacePart(text: string): Iface {
  const physdev = text.startsWith('physdev:');
  const name = physdev ? text.slice(8) : text;
  if (name.length > 15) throw new IpsetError('ipset-interface', `Syntax error: interface name '${name}' is longer than 15 characters`, name);
  return { name, physdev };
}

export const printIface = (i: Iface): string => (i.physdev ? `physdev:${i.name}` : i.name);

/**
 * `src` is the input device, `dst` the output device; '' where the hook has none. The kernel would look at bridge ports for IPSET_FLAG_PHYSDEV,
 * which no revision of xt_set can carry: members with `physdev:` never match a packet.
 */
export const ifaceOfPacket = (c: PacketCtx, src: boolean): string => (src ? c.in : c.out)?.name ?? '';
