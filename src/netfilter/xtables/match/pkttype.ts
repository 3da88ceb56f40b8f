/** `-m pkttype [!] --pkt-type unicast|broadcast|multicast`: how the frame was addressed. */
import { pktType } from '../../fields.js';
import { equals, negateIf } from '../../pred.js';
import { type MatchDef, OptionError } from '../extension.js';
import { bang } from '../values.js';

/** The word taken, the word printed, the kernel's PACKET_*. */
const TYPES: readonly (readonly [string, string, string])[] = [
  ['unicast', 'unicast', 'host'],
  ['broadcast', 'broadcast', 'broadcast'],
  ['multicast', 'multicast', 'multicast'],
  ['bcast', 'broadcast', 'broadcast'],
  ['mcast', 'multicast', 'multicast'],
  ['host', 'unicast', 'host'],
  ['otherhost', 'otherhost', 'otherhost'],
];

export const pkttype: MatchDef<{ readonly word: string; readonly type: string; readonly invert: boolean }> = {
  name: 'pkttype',
  kernel: 'net/netfilter/xt_pkttype.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'pkt-type', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => {
    const w = g.value.toLowerCase();
    const row = w === '' ? undefined : TYPES.find(([name]) => name === w);
    if (!row) throw new OptionError(`Bad packet type '${g.value}'`, 'pkt-type', 'unicast, broadcast or multicast');
    return { word: row[1], type: row[2], invert: g.invert };
  },
  print: (d) => `${bang(d.invert)} --pkt-type ${d.word}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, equals(pktType, d.type)) }],
};
