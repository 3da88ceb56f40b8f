/** `-m quota [!] --quota bytes`: until the rule has let that many bytes pass. */
import type { PacketCtx } from '../../pred.js';
import type { MatchDef } from '../extension.js';
import { bang, uint64 } from '../values.js';

interface QuotaMatch {
  readonly quota: bigint;
  readonly invert: boolean;
}

/** quota_mt(): the first packet that does not fit ends it, also for smaller ones behind. */
function spend(d: QuotaMatch, c: PacketCtx): boolean {
  const left = c.env.state(d, () => ({ bytes: d.quota }));
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
  lower: (d) => [{ kind: 'stateful', name: 'quota', test: (c) => spend(d, c) !== d.invert, show: `the first ${d.quota} bytes` }],
};
