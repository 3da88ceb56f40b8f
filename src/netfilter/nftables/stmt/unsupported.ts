/** Statements that are known and not evaluated: a packet that comes to one is inconclusive, naming it. */
import type { NftStmtDef } from '../stmt.js';

const rest = (words: readonly string[], kernel: string): NftStmtDef => ({
  words,
  kernel,
  parse: (t, _, s) => {
    const what = t.text.slice(s.from).replace(/\s*# handle \d+\s*$/, '');
    t.reset(t.text.length);
    return { kind: 'unsupported', what: `nft: ${what}` };
  },
});

/** Flow tables take later packets past the hooks; synproxy answers for the server; `xt` is what only iptables-nft can read; `fwd ip to` asks for a neighbour. */
export const unsupported: readonly NftStmtDef[] = [
  rest(['flow'], 'net/netfilter/nft_flow_offload.c'),
  rest(['synproxy'], 'net/netfilter/nft_synproxy.c'),
  rest(['xt'], 'net/netfilter/nft_compat.c'),
  rest(['fwd'], 'net/netfilter/nft_fwd_netdev.c'),
];
