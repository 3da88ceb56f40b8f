/** Every match extension: one file, one line. */
import type { MatchDefWithConntrack } from '../extension.js';
import { addrtype } from './addrtype.js';
import { comment } from './comment.js';
import { connmark } from './connmark.js';
import { conntrack, state } from './conntrack.js';
import { dscp } from './dscp.js';
import { icmp, icmp6 } from './icmp.js';
import { iprange } from './iprange.js';
import { length } from './length.js';
import { mac } from './mac.js';
import { mark } from './mark.js';
import { multiport } from './multiport.js';
import { owner } from './owner.js';
import { physdev } from './physdev.js';
import { pkttype } from './pkttype.js';
import { rpfilter } from './rpfilter.js';
import { set } from './set.js';
import { statistic } from './statistic.js';
import { tcp } from './tcp.js';
import { tos } from './tos.js';
import { hl, ttl } from './ttl.js';
import { udp } from './udp.js';

// biome-ignore lint/suspicious/noExplicitAny: each match has option data of its own.
export const matches: readonly MatchDefWithConntrack<any>[] = [
  addrtype,
  comment,
  connmark,
  conntrack,
  dscp,
  hl,
  icmp,
  icmp6,
  iprange,
  length,
  mac,
  mark,
  multiport,
  owner,
  physdev,
  pkttype,
  rpfilter,
  set,
  state,
  statistic,
  tcp,
  tos,
  ttl,
  udp,
];
