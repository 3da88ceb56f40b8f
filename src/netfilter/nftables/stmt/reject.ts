/** `reject`, `reject with icmp host-unreachable`, `reject with tcp reset` (nft_reject_ipv4.c, nft_reject_ipv6.c, nft_reject_inet.c): an answer, and the packet is dropped. */
import type { Family } from '../../../base/addr.js';
import { IPPROTO } from '../../../packet/skb.js';
import type { PacketCtx } from '../../pred.js';
import { callAction } from '../../xtables/action.js';
import { answerReset, answerUnreach } from '../../xtables/target/REJECT.js';
import { pktInfo } from '../expr/pktinfo.js';
import type { NftStep, NftStmtDef, StmtScope } from '../stmt.js';
import { NftError, type NftTokens } from '../tokens.js';
import { typeNamed } from '../types.js';

/** The family's code of an ICMPX one: no-route, port-unreachable, host-unreachable, admin-prohibited (nft_reject_icmp_code, nft_reject_icmpv6_code). */
const ICMPX: Readonly<Record<Family, readonly number[]>> = { ipv4: [0, 3, 1, 13], ipv6: [0, 4, 3, 1] };

const dropping = (answer: (c: PacketCtx) => void) =>
  callAction('reject', (c) => {
    answer(c);
    return 'DROP';
  });

/** The statement, for packets of which `holds` (a condition that nft puts in front of it). */
function step(holds: (c: PacketCtx) => boolean, answer: (c: PacketCtx) => void, needed: string): NftStep {
  const action = dropping(answer);
  return { kind: 'action', action: { kind: 'pick', name: 'reject', pick: (c) => (holds(c) ? action : null), had: () => needed } };
}

function withCode(t: NftTokens, kind: 'icmp' | 'icmpv6' | 'icmpx', s: StmtScope): NftStep {
  t.take('type');
  const type = typeNamed(`${kind}_code`);
  const word = t.peek();
  const code = word.kind === 'word' || word.kind === 'string' ? type.parse(word.text) : null;
  if (typeof code !== 'number' || (kind === 'icmpx' && code > 3)) throw new NftError(`“${word.text.trim()}” is no ${kind} code`, word);
  t.next();
  if (kind === 'icmpx' && s.family !== 'inet') throw new NftError('icmpx is for tables of family inet', word);
  if (kind === 'icmpx')
    return step(
      () => true,
      (c) => answerUnreach(c, ICMPX[c.skb.family][code]),
      '',
    );
  const family: Family = kind === 'icmp' ? 'ipv4' : 'ipv6';
  if (s.family === (family === 'ipv4' ? 'ip6' : 'ip')) throw new NftError(`${kind} is no protocol of table ${s.family} ${s.table.name}`, word);
  return step(
    (c) => c.skb.family === family,
    (c) => answerUnreach(c, code),
    'another family',
  );
}

/** Port unreachable. */
const DEFAULT: Readonly<Record<string, number>> = { ip: 3, ip6: 4 };

function parse(t: NftTokens, s: StmtScope): NftStep {
  // A bridge answers with frames of its own making (nft_reject_bridge.c).
  if (s.family === 'bridge' || s.family === 'netdev') {
    t.reset(t.text.length);
    return { kind: 'unsupported', what: `nft: reject in a table of family ${s.family}` };
  }
  if (!t.take('with')) {
    return step(
      () => true,
      (c) => answerUnreach(c, DEFAULT[s.family] ?? ICMPX[c.skb.family][1]),
      '',
    );
  }
  if (t.take('tcp')) {
    t.expect('reset');
    return step((c) => pktInfo(c)?.proto === IPPROTO.TCP, answerReset, 'another protocol');
  }
  const kind = t.take('icmp', 'icmpv6', 'icmpx') as 'icmp' | 'icmpv6' | 'icmpx' | null;
  if (!kind) throw new NftError('“icmp”, “icmpv6”, “icmpx” or “tcp reset” is expected', t.peek());
  return withCode(t, kind, s);
}

export const reject: NftStmtDef = {
  words: ['reject'],
  kernel: 'net/netfilter/nft_reject.c',
  parse: (t, _, s) => parse(t, s),
};
