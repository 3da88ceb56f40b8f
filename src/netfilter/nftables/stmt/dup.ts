/** `dup to 10.0.0.9 device "eth1"` (nft_dup_ipv4.c, nft_dup_ipv6.c): a copy goes to a gateway. */
import type { Addr } from '../../../base/addr.js';
import { type NftExpr, parseExpr } from '../expr.js';
import type { NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { typeNamed } from '../types.js';
import { constantAddr, partsOf } from './nat-target.js';

function parseDevice(t: NftTokens, s: StmtScope): NftExpr | null {
  if (!t.take('device')) return null;
  return parseExpr(t, s, typeNamed('ifname'));
}

export const dup: NftStmtDef = {
  words: ['dup'],
  kernel: 'net/netfilter/nft_dup_ipv4.c',
  parse: (t, _, s) => {
    t.expect('to');
    if (s.family !== 'ip' && s.family !== 'ip6') throw new NftError(`dup in a table of family ${s.family} is not supported`, t.peek());
    const to = constantAddr(t) ?? partsOf(parseExpr(t, s));
    const device = parseDevice(t, s);
    return {
      kind: 'effect',
      name: 'dup',
      run: (c) => {
        const gateway = to.of(c)?.addr[0];
        const oif = device === null ? null : device.one(c);
        if (gateway === undefined || oif === undefined) return false;
        c.env.tee(c, gateway as Addr, oif as string | null);
        return true;
      },
    };
  },
};
