/** `snat to …`, `dnat to …`, `masquerade`, `redirect` (nft_nat.c, nft_masq.c, nft_redir.c). Packets of another family than the address pass such a statement by. */
import type { Addr, Family } from '../../../base/addr.js';
import { NAT_NOTHING, NAT_RANGE, type NatRange } from '../../env.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { callAction, FALL_THROUGH } from '../../xtables/action.js';
import type { TargetVerdict } from '../../xtables/extension.js';
import { masquerade as masqueraded } from '../../xtables/target/MASQUERADE.js';
import { redirect as redirected } from '../../xtables/target/REDIRECT.js';
import { parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { type AddrParts, constantAddr, partsOf, portsBehind } from './nat-target.js';

type Nat = (c: PacketCtx, r: NatRange) => TargetVerdict;

/** Where to; each null where the statement says nothing. undefined: the packet has no such value, or the map no such key. */
type Target = (c: PacketCtx) => Pick<NatRange, 'minAddr' | 'maxAddr' | 'minPort' | 'maxPort'> | undefined;

const FLAGS = new Map([
  ['random', NAT_RANGE.RANDOM],
  ['fully-random', NAT_RANGE.RANDOM_FULLY],
  ['persistent', NAT_RANGE.PERSISTENT],
]);
function parseFlags(t: NftTokens): number {
  let bits = 0;
  while (FLAGS.has(t.peek().text)) {
    bits |= FLAGS.get(t.next().text) as number;
    t.take(',');
  }
  return bits;
}

const addressed = (parts: AddrParts | null, addr: readonly Scalar[] | null, port: readonly Scalar[] | null): ReturnType<Target> => ({
  minAddr: parts === null || addr === null ? null : (addr[0] as Addr),
  maxAddr: parts === null || addr === null ? null : (addr[1] as Addr),
  minPort: port === null ? null : (port[0] as number),
  maxPort: port === null ? null : (port[1] as number),
});

/** `10.0.0.1:80`, `[2001:db8::1]-[2001:db8::9]:80-90`, `ip saddr map { … } : tcp dport map { … }`. */
function parseTarget(t: NftTokens, s: StmtScope): { readonly to: Target; readonly family: Family | null } {
  const parts = t.peek().text.startsWith(':') ? null : (constantAddr(t) ?? partsOf(parseExpr(t, s)));
  if (parts && parts.family === null) throw new NftError('an address is expected', t.peek());
  const ports = portsBehind(t, s);
  const to: Target = (c) => {
    const found = parts === null ? null : parts.of(c);
    if (found === undefined) return undefined;
    const port = ports ? ports(c) : (found?.port ?? null);
    return port === undefined ? undefined : addressed(parts, found?.addr ?? null, port);
  };
  return { to, family: parts?.family ?? null };
}

/** nf_ct_netns_get() of the families whose packets the statement is for. */
function need(s: StmtScope, family: Family | null): void {
  s.needs.add(family === null ? 'conntrack' : `conntrack-${family}`);
}

function step(name: string, nat: Nat, to: Target, family: Family | null, flags: number): NftStep {
  return {
    kind: 'action',
    action: {
      kind: 'pick',
      name,
      pick: (c) => {
        const found = to(c);
        if (found === undefined) return null;
        if (family !== null && c.skb.family !== family) return FALL_THROUGH;
        return callAction(name, { act: nat as never, data: { ...NAT_NOTHING, ...found, flags } });
      },
      had: () => 'none',
    },
  };
}

const MANIP: Readonly<Record<string, Nat>> = {
  snat: (c, r) => (c.env.ct.natSetup(c, r, 'SNAT') ? 'ACCEPT' : 'DROP'),
  dnat: (c, r) => (c.env.ct.natSetup(c, r, 'DNAT') ? 'ACCEPT' : 'DROP'),
};

function parseManip(t: NftTokens, word: string, s: StmtScope): NftStep {
  const named = t.take('ip', 'ip6');
  let prefix = false;
  if (t.take('prefix')) prefix = true;
  else if (t.take('addr')) {
    t.expect('.');
    t.expect('port');
  } else t.take('interval');
  t.take('to');
  const { to, family } = parseTarget(t, s);
  const of: Family | null = named === 'ip' ? 'ipv4' : named === 'ip6' ? 'ipv6' : (family ?? (s.family === 'ip' ? 'ipv4' : s.family === 'ip6' ? 'ipv6' : null));
  if (family !== null && of !== family) throw new NftError(`an address of ${named} is expected`, t.peek());
  need(s, of);
  return step(word, MANIP[word], to, of, parseFlags(t) | (prefix ? NAT_RANGE.NETMAP : 0));
}

export const nat: NftStmtDef = {
  words: ['snat', 'dnat'],
  kernel: 'net/netfilter/nft_nat.c',
  parse: parseManip,
};

/** `to :80-90`, or nothing. */
function parsePorts(t: NftTokens, s: StmtScope): Target {
  const ports = t.take('to') ? portsBehind(t, s, true) : null;
  return (c) => {
    const port = ports === null ? null : ports(c);
    return port === undefined ? undefined : addressed(null, null, port);
  };
}
const local = (words: readonly string[], kernel: string, nat: Nat): NftStmtDef => ({
  words,
  kernel,
  needs: 'conntrack',
  parse: (t, word, s) => {
    const to = parsePorts(t, s);
    return step(word, nat, to, null, parseFlags(t));
  },
});

export const masquerade = local(['masquerade'], 'net/netfilter/nft_masq.c', masqueraded);
export const redirect = local(['redirect'], 'net/netfilter/nft_redir.c', redirected);
