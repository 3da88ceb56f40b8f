/** Every ebtables match and watcher: one file and one line each. */
import type { EbtMatchDef } from '../option.js';
import { match802_3 } from './802_3.js';
import { amongMatch } from './among.js';
import { arpMatch } from './arp.js';
import { ip6Match, ipMatch } from './inet.js';
import { limitMatch } from './limit.js';
import { logWatcher, nflogWatcher } from './log.js';
import { markMatch } from './mark_m.js';
import { pkttypeMatch } from './pkttype.js';
import { stpMatch } from './stp.js';
import { vlanMatch } from './vlan.js';

export const ebtMatches: readonly EbtMatchDef[] = [
  match802_3,
  amongMatch,
  arpMatch,
  ipMatch,
  ip6Match,
  limitMatch,
  logWatcher,
  markMatch,
  nflogWatcher,
  pkttypeMatch,
  stpMatch,
  vlanMatch,
];
