/** `log prefix "x" level info flags all`, `log group 2`, `log level audit` (nft_log.c): tells, and goes on. */
import { NFLOG_LEVEL, tellLog } from '../../xtables/target/logging.js';
import type { NftStmtDef } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';

const LEVELS: ReadonlyMap<string, number> = new Map([
  ['emerg', 0],
  ['alert', 1],
  ['crit', 2],
  ['err', 3],
  ['warn', 4],
  ['warning', 4],
  ['notice', 5],
  ['info', 6],
  ['debug', 7],
  ['audit', 8],
]);
const AUDIT = 8;
const DEFAULT_LEVEL = 4;
const NF_LOG = { tcpSequence: 0x01, tcpOptions: 0x02, ipOptions: 0x04, uid: 0x08, mac: 0x20, all: 0x2f } as const;

interface LogOptions {
  prefix: string;
  level: number;
  flags: number;
  group: number | null;
}

function parseFlags(t: NftTokens): number {
  const kind = t.word('a flag');
  switch (kind.text) {
    case 'all':
      return NF_LOG.all;
    case 'skuid':
      return NF_LOG.uid;
    case 'ether':
      return NF_LOG.mac;
    case 'ip':
      t.expect('options');
      return NF_LOG.ipOptions;
    case 'tcp': {
      let bits = 0;
      do bits |= t.take('sequence') ? NF_LOG.tcpSequence : t.expect('options') && NF_LOG.tcpOptions;
      while (t.take(','));
      return bits;
    }
    default:
      throw new NftError(`“${kind.text}” is no flag of a log`, kind);
  }
}

function parseOptions(t: NftTokens): LogOptions {
  const o: LogOptions = { prefix: '', level: DEFAULT_LEVEL, flags: 0, group: null };
  for (;;) {
    if (t.take('prefix')) o.prefix = t.string('the prefix');
    else if (t.take('level')) {
      const word = t.word('a level');
      const level = LEVELS.get(word.text);
      if (level === undefined) throw new NftError(`“${word.text}” is no level`, word, [...LEVELS.keys()].join(', '));
      o.level = level;
    } else if (t.take('flags')) o.flags |= parseFlags(t);
    else if (t.take('group')) o.group = t.number('the group');
    else if (t.take('snaplen', 'queue-threshold')) t.number('a number');
    else return o;
  }
}

export const log: NftStmtDef = {
  words: ['log'],
  kernel: 'net/netfilter/nft_log.c',
  parse: (t) => {
    const o = parseOptions(t);
    return {
      kind: 'effect',
      name: 'log',
      run: (c) => {
        // Audit records go to auditd, not to the kernel log.
        if (o.group !== null) tellLog(c, o.prefix, NFLOG_LEVEL, 0);
        else if (o.level !== AUDIT) tellLog(c, o.prefix, o.level, o.flags);
        return true;
      },
    };
  },
};
