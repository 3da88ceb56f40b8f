/** NFQUEUE: hands the packet to a program in user space (Suricata, snort, a proxy), or drops it where none listens. What the program says is not known here. */
import { jhash, reciprocalScale } from '../../../base/jhash.js';
import type { Skb } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import { type Given, OptionError, type TargetDef } from '../extension.js';
import { parseUint } from '../numbers.js';
import { BOTH, find, has, uintOption } from './common.js';

interface NfqueueData {
  readonly first: number;
  readonly last: number;
  readonly bypass: boolean;
  readonly cpuFanout: boolean;
}

/** `first:last`, either left out; 65535 is not to be had. */
function parseBalance(g: Given): { first: number; last: number } {
  const m = /^(\d*):(\d*)$/.exec(g.value);
  const first = m ? parseUint(m[1] || '0', 0, 65535) : null;
  const last = m ? parseUint(m[2] || '65534', 0, 65534) : null;
  if (first === null || last === null || first >= last) throw new OptionError(`Bad range "${g.value}"`, g.name, 'FIRST:LAST, 0..65534, LAST above FIRST');
  return { first, last };
}

/** What the kernel drew when the first such rule was loaded (jhash_initval). */
const initval = (c: PacketCtx): number => c.env.state('initval of NFQUEUE', () => ({ drawn: c.env.choose.below(2 ** 32, 'nfqueue', c.rule) })).drawn;

/** nfqueue_hash(): both directions of a flow have the same. */
function hash(skb: Skb, seed: number): number {
  const sorted = (a: number, b: number): readonly [number, number] => (a < b ? [a, b] : [b, a]);
  if (skb.family === 'ipv4') return jhash([...sorted(skb.u32(12), skb.u32(16)), skb.data[9]], seed);
  return jhash([...sorted(skb.u32(20), skb.u32(36)), Math.min(skb.u32(12), skb.u32(28))], seed);
}

/** Which of the queues `first` to `last` takes the packet: by its flow or, with `cpuFanout`, by the CPU that it is on. */
export function queueOf(d: Pick<NfqueueData, 'first' | 'last' | 'cpuFanout'>, c: PacketCtx): number {
  const queues = d.last - d.first + 1;
  if (queues === 1) return d.first;
  return d.first + (d.cpuFanout ? c.env.choose.below(queues, 'cpu', c.rule) : reciprocalScale(hash(c.skb, initval(c)), queues));
}

export const NFQUEUE: TargetDef<NfqueueData> = {
  name: 'NFQUEUE',
  kernel: 'net/netfilter/xt_NFQUEUE.c',
  families: BOTH,
  options: [
    { name: 'queue-num', arg: 'required', excl: ['queue-balance'] },
    { name: 'queue-balance', arg: 'required', excl: ['queue-num'] },
    { name: 'queue-bypass', arg: 'none' },
    { name: 'queue-cpu-fanout', arg: 'none', also: ['queue-balance'] },
  ],
  parse(given) {
    const num = find(given, 'queue-num');
    const balance = find(given, 'queue-balance');
    const n = num ? uintOption('NFQUEUE', num, 65535) : 0;
    return { ...(balance ? parseBalance(balance) : { first: n, last: n }), bypass: has(given, 'queue-bypass'), cpuFanout: has(given, 'queue-cpu-fanout') };
  },
  print(d) {
    const queue = d.first === d.last ? ` --queue-num ${d.first}` : ` --queue-balance ${d.first}:${d.last}`;
    return `${queue}${d.bypass ? ' --queue-bypass' : ''}${d.cpuFanout ? ' --queue-cpu-fanout' : ''}`;
  },
  lower: (d) => (c) => ({ queue: queueOf(d, c), bypass: d.bypass }),
};
