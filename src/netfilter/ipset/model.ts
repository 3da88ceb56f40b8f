/** What `ipset save` prints, as plain data. Members are one opaque immutable value: a million of them must stay small. */
import type { Family } from '../../base/addr.js';

export interface SetCreate {
  readonly name: string;
  /** 'hash:ip', 'bitmap:port', 'list:set', … */
  readonly type: string;
  readonly family: Family | 'unspec';
  /** Create options by their ipset names, in the words of `ipset save`: hashsize, maxelem, bucketsize, initval, netmask, bitmask, markmask, range, size, timeout (numbers or text); flags counters, comment, skbinfo, forceadd are ''. */
  readonly options: readonly (readonly [string, string])[];
}

/** Immutable members of a set; made by ipset/members.ts. `text()` yields what `ipset save` prints behind `add NAME`, in insertion order. */
export interface SetMembers {
  readonly size: number;
  text(): Iterable<string>;
}

export interface IpSet {
  readonly create: SetCreate;
  readonly members: SetMembers;
  readonly name: string;
}
