/** Every target extension: one file (or a file for twins) and one line each. ACCEPT, DROP, RETURN and QUEUE are verdicts, no extensions. */
import type { TargetDef } from '../extension.js';
import { CHECKSUM } from './CHECKSUM.js';
import { CLASSIFY } from './CLASSIFY.js';
import { CONNMARK } from './CONNMARK.js';
import { DSCP, TOS } from './dsfield.js';
import { HL, TTL } from './hops.js';
import { LOG, NFLOG } from './logging.js';
import { MARK } from './MARK.js';
import { MASQUERADE } from './MASQUERADE.js';
import { DNAT, SNAT } from './nat.js';
import { NETMAP } from './NETMAP.js';
import { REDIRECT } from './REDIRECT.js';
import { REJECT4, REJECT6 } from './REJECT.js';
import { SET } from './SET.js';
import { TCPMSS } from './TCPMSS.js';
import { TEE } from './TEE.js';
import { TPROXY } from './TPROXY.js';
import { CT, NOTRACK, TRACE } from './tracking.js';

// biome-ignore lint/suspicious/noExplicitAny: each target has option data of its own.
export const targets: readonly TargetDef<any>[] = [
  CHECKSUM,
  CLASSIFY,
  CONNMARK,
  CT,
  DNAT,
  DSCP,
  HL,
  LOG,
  MARK,
  MASQUERADE,
  NETMAP,
  NFLOG,
  NOTRACK,
  REDIRECT,
  REJECT4,
  REJECT6,
  SET,
  SNAT,
  TCPMSS,
  TEE,
  TOS,
  TPROXY,
  TRACE,
  TTL,
];
