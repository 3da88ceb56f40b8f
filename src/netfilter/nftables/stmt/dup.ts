/** `dup to 10.0.0.9 device "eth1"` (nft_dup_ipv4.c, nft_dup_ipv6.c): a copy goes to a gateway. Of chains of devices `dup to "eth1"` and `fwd to "eth1"`: to a device, as it is. */
import type { Addr } from '../../../base/addr.js';
import type { PacketCtx } from '../../pred.js';
import { callAction } from '../../xtables/action.js';
import { type NftExpr, parseExpr } from '../expr.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { typeNamed } from '../types.js';
import { constantAddr, partsOf } from './nat-target.js';

const IFNAME = typeNamed('ifname');

function toGateway(t: NftTokens, s: StmtScope): NftStep {
  const to = constantAddr(t) ?? partsOf(parseExpr(t, s));
  const device = t.take('device') ? parseExpr(t, s, IFNAME) : null;
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
}

/** nf_dup_netdev_egress(), nf_fwd_netdev_egress(); undefined: the map has no such key. A device that is not there takes nothing. */
function toDevice(to: NftExpr, c: PacketCtx, copy: boolean): boolean {
  const name = to.one(c);
  if (name === undefined) return false;
  const dev = c.env.device(String(name));
  if (dev) c.env.mirror(c, dev, copy);
  return true;
}

export const dup: NftStmtDef = {
  words: ['dup'],
  kernel: 'net/netfilter/nft_dup_netdev.c',
  parse: (t, _, s) => {
    t.expect('to');
    if (s.family === 'ip' || s.family === 'ip6') return toGateway(t, s);
    if (s.family !== 'netdev') throw new NftError(`there is no dup in tables of family ${s.family}`, t.peek());
    const to = parseExpr(t, s, IFNAME);
    return { kind: 'effect', name: 'dup', run: (c) => toDevice(to, c, true) };
  },
};

export const fwd: NftStmtDef = {
  words: ['fwd'],
  kernel: 'net/netfilter/nft_fwd_netdev.c',
  parse: (t, _, s) => {
    // `fwd ip to ADDRESS device DEVICE` asks for a neighbour.
    if (s.family !== 'netdev' || !t.take('to')) return null;
    const to = parseExpr(t, s, IFNAME);
    const stolen = callAction('fwd', () => 'STOLEN');
    return { kind: 'action', action: { kind: 'pick', name: 'fwd', pick: (c) => (toDevice(to, c, false) ? stolen : null), had: () => 'none' } };
  },
};
