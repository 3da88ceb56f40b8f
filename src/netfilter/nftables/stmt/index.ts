/** Statements by the words that begin them: one file each, one line here. */
import { byWord } from '../by-word.js';
import type { NftStmtDef } from '../stmt.js';
import { ct, notrack } from './ct.js';
import { dup, fwd } from './dup.js';
import { dynset } from './dynset.js';
import { log } from './log.js';
import { meta } from './meta.js';
import { masquerade, nat, redirect } from './nat.js';
import { payload } from './payload.js';
import { queue } from './queue.js';
import { reject } from './reject.js';
import { stateful } from './stateful-stmt.js';
import { reset, tcpOption } from './tcp-option.js';
import { tproxy } from './tproxy.js';
import { unsupported } from './unsupported.js';
import { verdict } from './verdict.js';

const all: readonly NftStmtDef[] = [
  verdict,
  ...stateful,
  meta,
  ct,
  notrack,
  payload,
  tcpOption,
  reset,
  nat,
  masquerade,
  redirect,
  reject,
  log,
  queue,
  tproxy,
  dup,
  fwd,
  ...dynset,
  ...unsupported,
];

/** Those that a word may begin. */
export const nftStatements = byWord(all);
