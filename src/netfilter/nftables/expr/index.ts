/** Expressions by the words that begin them: one file each, one line here. */
import { byWord } from '../by-word.js';
import type { NftReadDef } from '../expr.js';
import { ct } from './ct.js';
import { exthdr6 } from './exthdr6.js';
import { fib } from './fib.js';
import { hash } from './hash.js';
import { ipOption } from './ip-option.js';
import { ipsec } from './ipsec.js';
import { meta } from './meta.js';
import { numgen } from './numgen.js';
import { payload } from './payload.js';
import { rt } from './rt.js';
import { sctpChunk } from './sctp-chunk.js';
import { socket } from './socket.js';
import { tcpOption } from './tcp-option.js';

const all: readonly NftReadDef[] = [
  ...payload,
  ...meta,
  ...ct,
  ...numgen,
  ...exthdr6,
  ...tcpOption,
  ...sctpChunk,
  ...ipOption,
  ...fib,
  ...rt,
  ...socket,
  ...ipsec,
  ...hash,
];

/** Those that a word may begin. */
export const nftReads = byWord(all);
