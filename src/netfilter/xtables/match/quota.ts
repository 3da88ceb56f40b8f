/** `-m quota [!] --quota bytes`: until the rule has let that many bytes pass. */
import type { PacketCtx } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { bang, uint64 } from '../values.js';

interface QuotaMatch {
  readonly quota: bigint;
  readonly invert: boolean;
}

/** quota_mt(): the first packet that does not fit ends it, also for smaller ones behind. */
function spend(d: QuotaMatch, instance: object, c: PacketCtx): boolean {
  const left = c.env.state(instance, () => ({ bytes: d.quota }));
  const need = BigInt(c.skb.totLen);
  if (left.bytes < need) {
    left.bytes = 0n;
    return false;
  }
  left.bytes -= need;
  return true;
}

export const quota: MatchDef<QuotaMatch> = {
  name: 'quota',
  kernel: 'net/netfilter/xt_quota.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'quota', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => ({ quota: uint64('quota', g), invert: g.invert }),
  print: (d) => `${bang(d.invert)} --quota ${d.quota}`,
  lower: (d) => {
    // Equal options of two rules are one value; each rule spends its own.
    const instance = {};
    return [{ kind: 'stateful', name: 'quota', test: (c) => spend(d, instance, c) !== d.invert, show: `the first ${d.quota} bytes` }];
  },
};
