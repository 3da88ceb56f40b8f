/** `ct helper NAME { type "ftp" protocol tcp; l3proto ip }`: an object that gives connections a helper (nft_ct_helper_obj_eval). */
import type { PacketCtx } from '../../pred.js';
import type { NftObject } from '../model.js';
import { NftError, NftTokens } from '../tokens.js';

const PROTOCOLS = new Map([
  ['tcp', 6],
  ['udp', 17],
]);
/** `type "ftp" protocol tcp; l3proto ip` */
export function helperOf(o: NftObject): { readonly type: string; readonly proto: number } {
  const t = new NftTokens(o.text);
  let type: string | null = null;
  let proto: number | undefined;
  for (; t.peek().kind !== 'end'; ) {
    const word = t.next();
    if (word.text === 'type') type = t.string('the kind of helper');
    else if (word.text === 'protocol') proto = PROTOCOLS.get(t.word('a protocol').text);
  }
  if (type === null || proto === undefined) throw new NftError(`ct helper ${o.name} has no type or protocol`, null);
  return { type, proto };
}

/** nft_ct_helper_obj_eval(): for connections of its protocol that are not in the table yet. */
export function setHelper(c: PacketCtx, h: ReturnType<typeof helperOf>): void {
  const { ct } = c.skb;
  if (!ct || ct.template || ct.inTable || ct.orig.proto !== h.proto) return;
  c.env.ct.attachHelper(ct, h.type);
}
