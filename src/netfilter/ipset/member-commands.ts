/** add, del and test of a set's members as the tool writes them: ranges, extensions, and the order in which wrong ones are complained of. */
import { type ExtWords, mergeExt, parseExt } from './ext.js';
import { HIT, type LiveSet } from './live.js';
import { LIMIT, type ParsedMember, parseMember, tooMany } from './member.js';
import { IpsetError } from './types.js';

const flagsOf = (live: LiveSet): readonly string[] =>
  live.params.type.nomatch ? (live.params.type.name === 'hash:net,iface' ? ['nomatch', 'wildcard'] : ['nomatch']) : [];

/** Refusals of the kernel, which looks at the extensions first. */
const KERNEL_CODES: ReadonlySet<string> = new Set(['ipset-cidr', 'ipset-null-element', 'ipset-bitmap-range', 'ipset-hash-range']);

function parseWhole(live: LiveSet, member: string, words: readonly string[], single: boolean): ParsedMember & { readonly ext: ExtWords } {
  const ext = (): ExtWords => parseExt(words, live.params.kinds, flagsOf(live));
  try {
    const m = parseMember(member, live.params, live.layout, live.names, single);
    return { ...m, ext: ext() };
  } catch (e) {
    if (e instanceof IpsetError && KERNEL_CODES.has(e.code)) ext();
    throw e;
  }
}

/** `add` of one member or of all that a range stands for. Throws IpsetError. */
export function addMember(live: LiveSet, member: string, words: readonly string[], exist: boolean): void {
  const { keys, mac, ext: w } = parseWhole(live, member, words, false);
  const { wildcard } = w.ext;
  let n = 0;
  keys((key) => {
    if (++n > LIMIT || (n > 1 && !live.expand())) throw tooMany();
    if (live.params.type.name === 'bitmap:ip,mac') addIpMac(live, key, mac, w, exist);
    else
      live.add(
        key,
        (old) => (old ? { ...mergeExt(w, old), wildcard: wildcard || old.wildcard } : w.ext),
        exist,
        (size) => size - 1,
      );
  });
}

/** bitmap_ipmac_do_add(): a member without address takes one, and a given one is only replaced by -exist. */
function addIpMac(live: LiveSet, key: Uint32Array, mac: number | null, w: ExtWords, exist: boolean): void {
  const ref = live.find(key);
  const had = ref === -1 ? null : live.ext(ref);
  const fills = had !== null && had.mac === null && mac !== null;
  live.add(key, (old) => ({ ...mergeExt(w, old), mac: mac ?? old?.mac ?? null }), exist || fills, null);
}

/** `del`; `exist`: a member that is not there is no error. Throws IpsetError. */
export function delMember(live: LiveSet, member: string, words: readonly string[], exist: boolean): void {
  const { keys } = parseWhole(live, member, words, false);
  let n = 0;
  keys((key) => {
    if (++n > 1 && !live.expand()) throw tooMany();
    if (!live.del(key) && !exist) throw new IpsetError('ipset-not-added', "Element cannot be deleted from the set: it's not added", member);
  });
}

/** `test`: is it in the set? With `nomatch`: as an exception? */
export function testMember(live: LiveSet, member: string, words: readonly string[]): boolean {
  const { keys, mac, ext } = parseWhole(live, member, words, true);
  const { given } = ext;
  const bits = live.params.family === 'ipv6' ? 128 : 32;
  let found = false;
  keys((key) => {
    const hosts = live.layout.nets.every((n) => key[n.lenAt] === bits);
    const iface = live.params.type.name === 'hash:net,iface' ? (live.names.names[key[live.layout.at[1]]] ?? '') : '';
    const accept = (ref: number): boolean => !live.expired(ref) && (mac === null || live.ext(ref).mac === mac);
    const physdev = iface !== '' && key[live.layout.at[1] + 1] === 1;
    const r = hosts && !physdev ? live.test(key, iface, accept) : live.testExact(key, accept);
    found = given.has('nomatch') ? r === -1 : r === HIT;
  });
  return found;
}
