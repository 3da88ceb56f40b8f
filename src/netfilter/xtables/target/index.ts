/** Every target extension: one file (or a file for twins) and one line each. ACCEPT, DROP, RETURN and QUEUE are verdicts, no extensions. */
import type { TargetDef } from '../extension.js';
import { AUDIT, IDLETIMER, LED, RATEEST } from './bystanders.js';
import { CHECKSUM } from './CHECKSUM.js';
import { CLASSIFY } from './CLASSIFY.js';
import { CONNMARK } from './CONNMARK.js';
import { DSCP, TOS } from './dsfield.js';
import { HMARK } from './HMARK.js';
import { HL, TTL } from './hops.js';
import { LOG, NFLOG } from './logging.js';
import { MARK } from './MARK.js';
import { MASQUERADE } from './MASQUERADE.js';
import { NETMAP } from './NETMAP.js';
import { NFQUEUE } from './NFQUEUE.js';
import { DNPT, SNPT } from './NPT.js';
import { DNAT, SNAT } from './nat.js';
import { REDIRECT } from './REDIRECT.js';
import { REJECT4, REJECT6 } from './REJECT.js';
import { SET } from './SET.js';
import { TCPMSS } from './TCPMSS.js';
import { TEE } from './TEE.js';
import { TPROXY } from './TPROXY.js';
import { ECN, TCPOPTSTRIP } from './tcp-header.js';
import { CT, NOTRACK, TRACE } from './tracking.js';
import { CLUSTERIP, CONNSECMARK, SECMARK, SYNPROXY, ULOG } from './unsupported.js';

// biome-ignore lint/suspicious/noExplicitAny: each target has option data of its own.
export const targets: readonly TargetDef<any>[] = [
  AUDIT,
  CHECKSUM,
  CLASSIFY,
  CLUSTERIP,
  CONNMARK,
  CONNSECMARK,
  CT,
  DNAT,
  DNPT,
  DSCP,
  ECN,
  HL,
  HMARK,
  IDLETIMER,
  LED,
  LOG,
  MARK,
  MASQUERADE,
  NETMAP,
  NFLOG,
  NFQUEUE,
  NOTRACK,
  RATEEST,
  REDIRECT,
  REJECT4,
  REJECT6,
  SECMARK,
  SET,
  SNAT,
  SNPT,
  SYNPROXY,
  TCPMSS,
  TCPOPTSTRIP,
  TEE,
  TOS,
  TPROXY,
  TRACE,
  TTL,
  ULOG,
];
