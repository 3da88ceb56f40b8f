/** `tproxy to 127.0.0.1:50080`, `tproxy ip6 to :50080` (nft_tproxy.c): the packet gets a local transparent socket; without one the rule ends. */
import type { Addr, Family } from '../../../base/addr.js';
import { IPPROTO } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import { tproxySocket } from '../../xtables/target/TPROXY.js';
import { pktInfo } from '../expr/pktinfo.js';
import { parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import type { NftTokens } from '../tokens.js';
import { constantAddr, partsOf, portsBehind } from './nat-target.js';

function parse(t: NftTokens, s: StmtScope): NftStep {
  const named = t.take('ip', 'ip6');
  t.expect('to');
  const addr = t.peek().text.startsWith(':') ? null : (constantAddr(t) ?? partsOf(parseExpr(t, s)));
  const port = portsBehind(t, s);
  const word = named ?? (s.family === 'inet' ? null : s.family);
  const family: Family | null = word === 'ip' ? 'ipv4' : word === 'ip6' ? 'ipv6' : (addr?.family ?? null);
  const run = (c: PacketCtx): boolean => {
    const to = addr === null ? null : addr.of(c)?.addr[0];
    const at = port === null ? null : port(c)?.[0];
    if (to === undefined || at === undefined) return false;
    const proto = pktInfo(c)?.proto;
    if ((family !== null && c.skb.family !== family) || (proto !== IPPROTO.TCP && proto !== IPPROTO.UDP) || c.skb.sport < 0) return false;
    const sk = tproxySocket(c, to as Addr | null, (at as number | null) ?? 0);
    if (sk) c.skb.sk = sk;
    return sk !== null;
  };
  return { kind: 'effect', name: 'tproxy', run };
}

export const tproxy: NftStmtDef = {
  words: ['tproxy'],
  kernel: 'net/netfilter/nft_tproxy.c',
  needs: 'defrag',
  parse: (t, _, s) => parse(t, s),
};
