/** `Size in memory` of `ipset list`: sizes of the kernel's structures on 64-bit 6.18. */
import { membersOf } from './commands.js';
import { TableMembers } from './members.js';
import type { IpSet } from './model.js';

/** Empty sets; measured. */
const HASH_BASE = 216;

export function memorySize(set: IpSet): number {
  const m = membersOf(set);
  return m instanceof TableMembers ? HASH_BASE + m.size : m.size;
}
