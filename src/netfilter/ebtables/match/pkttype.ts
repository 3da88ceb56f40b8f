import type { PktType } from '../../../packet/skb.js';
import { equals } from '../../pred.js';
import { OptionError } from '../../xtables/extension.js';
import { frameField } from '../fields.js';
import { type EbtMatchDef, ebtOption } from '../option.js';

/** By number: PACKET_*. */
const TYPES: readonly PktType[] = ['host', 'broadcast', 'multicast', 'otherhost', 'outgoing', 'loopback'];
const packetType = frameField('packet type', (c) => c.skb.pktType);

function parse(text: string): PktType {
  const t = TYPES.find((n) => n === text.toLowerCase()) ?? (/^\d$/.test(text) ? TYPES[Number(text)] : undefined);
  if (!t) throw new OptionError(`Could not parse packet type '${text}'`);
  return t;
}

export const pkttypeMatch: EbtMatchDef = {
  name: 'pkttype',
  kernel: 'net/bridge/netfilter/ebt_pkttype.c',
  options: [ebtOption<PktType>({ name: 'pkttype-type', parse, print: String, pred: (v) => equals(packetType, v) })],
};
