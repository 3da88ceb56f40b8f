/**
 * `Size in memory` of `ipset list`: sizes of the kernel's structures on 64-bit 6.18, measured. Members of a hash count as if each had a bucket of its own;
 * where the kernel's hash puts several into one bucket it needs less.
 */
import { membersOf } from './commands.js';
import type { Ext, ExtKinds } from './ext.js';
import { ListMembers } from './members.js';
import type { IpSet } from './model.js';

/** Per hash type: bytes of an empty IPv4 set and of a member, the same for IPv6. The types that are not here could not be measured. */
const HASHES: ReadonlyMap<string, readonly [number, number, number, number]> = new Map<string, readonly [number, number, number, number]>([
  ['hash:ip', [216, 4, 224, 16]],
  ['hash:ip,port', [216, 8, 232, 20]],
  ['hash:ip,port,ip', [208, 12, 232, 36]],
  ['hash:ip,port,net', [464, 12, 1256, 36]],
  ['hash:net', [456, 8, 1240, 20]],
  ['hash:net,port', [456, 8, 1240, 20]],
  ['hash:net,iface', [488, 28, 1264, 40]],
]);
/** Empty bitmaps without their bits, and a member. */
const BITMAPS: ReadonlyMap<string, readonly [number, number]> = new Map<string, readonly [number, number]>([
  ['bitmap:ip', [88, 0]],
  ['bitmap:ip,mac', [80, 8]],
  ['bitmap:port', [72, 0]],
]);
/** struct hbucket, and the slots that it starts with. */
const BUCKET = 32;
const BUCKET_SLOTS = 2;
/** One more lock region for each 1,024 buckets. */
const REGION = 24;

const align = (n: number, to: number): number => Math.ceil(n / to) * to;

/** A member with its extensions, each aligned (ip_set_elem_len). */
function memberBytes(bare: number, k: ExtKinds): number {
  let n = bare;
  if (k.counters) n = align(n, 8) + 16;
  if (k.timeout !== null) n = align(n, 8) + 8;
  if (k.skbinfo) n = align(n, 4) + 16;
  if (k.comment) n = align(n, 8) + 8;
  return k.counters || k.timeout !== null || k.comment ? align(n, 8) : n;
}
const commentBytes = (e: Ext): number => (e.comment === null ? 0 : new TextEncoder().encode(e.comment).length + 17);

/** Bytes; null for types whose structures are not known. */
export function memorySize(set: IpSet): number | null {
  const m = membersOf(set);
  const { params } = m;
  const { kinds, type } = params;
  if (m instanceof ListMembers) return 80 + m.size * memberBytes(48, kinds) + m.entries.reduce((n, e) => n + commentBytes(e.ext), 0);
  let comments = 0;
  if (kinds.comment) for (const row of m.table.live()) comments += commentBytes(m.table.ext(row));
  const bitmap = BITMAPS.get(type.name);
  if (bitmap) {
    const elements = (params.last - params.first + 1) / params.hosts;
    return bitmap[0] + align(Math.ceil(elements / 8), 8) + elements * memberBytes(bitmap[1], kinds) + comments;
  }
  const row = HASHES.get(type.name);
  if (!row) return null;
  const [empty, bare] = params.family === 'ipv6' ? [row[2], row[3]] : [row[0], row[1]];
  const hashsize = Number(set.create.options.find(([k]) => k === 'hashsize')?.[1] ?? 1024);
  const regions = Math.max(1, hashsize / 1024);
  return empty + REGION * (regions - 1) + m.size * (BUCKET + BUCKET_SLOTS * memberBytes(bare, kinds)) + comments;
}
