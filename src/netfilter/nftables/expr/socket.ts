/** `socket transparent`, `socket mark`, `socket wildcard`: the local socket that the packet is of, or for (nft_socket.c). */
import type { SkSocket } from '../../../packet/types.js';
import type { PacketCtx, Scalar } from '../../pred.js';
import { localSocket } from '../../xtables/match/socket.js';
import type { NftRead, NftReadDef } from '../expr.js';
import { NftError } from '../tokens.js';
import { integer, typeNamed } from '../types.js';

const bool = (b: boolean | undefined): number => (b ? 1 : 0);

const asked =
  (of: (sk: SkSocket) => Scalar | undefined) =>
  (c: PacketCtx): Scalar | undefined => {
    const sk = c.skb.sk ?? (c.in === null ? null : localSocket(c));
    return sk === null ? undefined : of(sk);
  };

const KEYS: ReadonlyMap<string, NftRead> = new Map([
  ['transparent', { type: integer(1), read: asked((sk) => bool(sk.transparent)) }],
  ['mark', { type: typeNamed('mark'), read: asked((sk) => (sk.full ? sk.mark : undefined)) }],
  ['wildcard', { type: integer(1), read: asked((sk) => (sk.full ? bool(sk.boundAny) : undefined)) }],
]);

const parsed: NftReadDef = {
  words: ['socket'],
  kernel: 'net/netfilter/nft_socket.c',
  parse: (t) => {
    const key = t.peek();
    if (key.text === 'cgroupv2') throw new NftError('not modelled: the control groups of sockets', key);
    const read = KEYS.get(key.text);
    if (!read) return null;
    t.next();
    return read;
  },
};
export const socket: readonly NftReadDef[] = [parsed];
