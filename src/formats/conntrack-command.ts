/** The words of conntrack(8) 1.4.7: `-L -D -I -A -U -G -F -C` on the connection table, with the tool's own demands on them. */
import { type Addr, familyOf } from '../base/addr.js';
import type { Reporter } from '../base/diagnostic.js';
import { DEFAULT_ZONE, type Zone } from '../netfilter/conntrack/conn.js';
import type { CtEntry } from '../netfilter/conntrack/entry.js';
import { ANY_ENTRY, type CtSelect, type MaskedAddr } from '../netfilter/conntrack/select.js';
import { hasPorts, invertTuple } from '../netfilter/conntrack/tuple.js';
import { IPPROTO } from '../packet/skb.js';
import { IPS, type Tuple } from '../packet/types.js';
import type { ConntrackStyle } from './conntrack.js';
import { ALIASES, type ConntrackOp, type Draft, type NumberKey, OPS, OPTIONAL, OPTIONS } from './conntrack-options.js';
import type { Word } from './tokens.js';

export type { ConntrackOp } from './conntrack-options.js';

export interface ConntrackCommand {
  readonly op: ConntrackOp;
  readonly select: CtSelect;
  readonly style: ConntrackStyle;
  /** `-I`, `-A`: what to put in. */
  readonly create: CtEntry | null;
  /** `-U`: new mark (old & ~mask ^ value), time-out in seconds, status bits to add. */
  readonly update: { readonly mark: { readonly value: number; readonly mask: number } | null; readonly timeout: number | null; readonly status: number };
}

/**
 * Reads the words behind `conntrack`. Errors (code `bad-conntrack-command`) point at the word; null then.
 * Only the connection table: expectations are not supported.
 */
export function parseConntrackCommand(words: readonly Word[], reporter: Reporter): ConntrackCommand | null {
  const d: Draft = {
    op: null,
    family: null,
    proto: null,
    addr: new Map(),
    mask: new Map(),
    number: new Map(),
    state: null,
    status: null,
    mark: null,
    nat: new Map(),
    style: 'list',
  };
  const fail = (w: Word | undefined, message: string): null => {
    reporter.error('bad-conntrack-command', message, w?.line ?? 1, w?.column ?? 1, w?.text.length ?? 0, 'see conntrack(8)');
    return null;
  };
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    const op = OPS.get(w.text);
    if (op) {
      if (d.op !== null) return fail(w, 'one command at a time');
      d.op = op;
      if (words[i + 1]?.text === 'conntrack') i++;
      else if (['expect', 'dying', 'unconfirmed'].includes(words[i + 1]?.text)) return fail(words[i + 1], `the table “${words[i + 1].text}” is not supported`);
      continue;
    }
    if (w.text === '-z' || w.text === '--zero') continue;
    const eq = w.text.startsWith('--') ? w.text.indexOf('=') : -1;
    const given = eq < 0 ? w.text : w.text.slice(0, eq);
    const name = ALIASES.get(given) ?? given;
    const take = OPTIONS.get(name);
    if (!take) return fail(w, `“${w.text}” is no option of conntrack`);
    const bare = OPTIONAL.get(name);
    const value = eq >= 0 ? w.text.slice(eq + 1) : words[i + 1]?.text;
    if (bare && eq < 0 && (value === undefined || value.startsWith('-'))) {
      d.nat.set(bare, { addr: null, port: null });
      continue;
    }
    if (value === undefined) return fail(w, `${w.text} needs a value`);
    const wanted = take(d, value);
    if (wanted !== null) return fail(eq >= 0 ? w : words[i + 1], `“${value}” is not ${wanted}`);
    if (eq < 0) i++;
  }
  const problem = finishProblem(d);
  return problem === null ? finish(d) : fail(words[0], problem);
}

/** What the tool demands of the options together. */
function finishProblem(d: Draft): string | null {
  if (d.op === null) return 'a command is missing: -L, -D, -I, -A, -U, -G, -F or -C';
  if (d.nat.has('anyNat') && d.nat.size > 1) return '--any-nat excludes --src-nat and --dst-nat';
  const ports = d.number.has('sport') || d.number.has('dport') || d.number.has('replySport') || d.number.has('replyDport');
  if ((ports || d.state !== null) && d.proto === null) return 'ports and states need -p';
  if (d.op !== 'create' && d.op !== 'add') return null;
  if (d.proto === null) return 'a protocol is needed: -p';
  if (!d.number.has('timeout')) return 'a time-out is needed: -t';
  const orig = d.addr.has('src') && d.addr.has('dst');
  const reply = d.addr.has('replySrc') && d.addr.has('replyDst');
  if (!orig && !reply) return 'source and destination are needed: -s and -d, or -r and -q';
  if (hasPorts(d.proto) && !(d.number.has('sport') && d.number.has('dport')) && !(d.number.has('replySport') && d.number.has('replyDport'))) {
    return 'source and destination port are needed: --sport and --dport';
  }
  if (d.proto === IPPROTO.TCP && d.state === null) return 'a state is needed: --state';
  return isIcmp(d.proto) && !d.number.has('icmpType') ? 'an ICMP type is needed: --icmp-type' : null;
}
const isIcmp = (proto: number | null): boolean => proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6;

function finish(d: Draft): ConntrackCommand {
  const op = d.op ?? 'list';
  const n = (k: NumberKey): number | null => d.number.get(k) ?? null;
  const masked = (key: 'src' | 'dst'): MaskedAddr | null => {
    const given = d.addr.get(key);
    const mask = d.mask.get(key);
    if (!mask) return given ?? null;
    return { addr: given?.addr ?? mask, mask };
  };
  const creating = op === 'create' || op === 'add';
  const select: CtSelect = {
    ...ANY_ENTRY,
    family: d.family,
    proto: d.proto,
    orig: { src: masked('src'), dst: masked('dst'), sport: n('sport'), dport: n('dport') },
    reply: { src: d.addr.get('replySrc') ?? null, dst: d.addr.get('replyDst') ?? null, sport: n('replySport'), dport: n('replyDport') },
    icmp: { type: n('icmpType'), code: n('icmpCode'), id: n('icmpId') },
    state: d.state,
    status: op === 'update' ? 0 : (d.status ?? 0),
    mark: op === 'update' ? null : d.mark,
    zone: n('zone'),
    origZone: n('origZone'),
    replyZone: n('replyZone'),
    srcNat: d.nat.get('srcNat') ?? null,
    dstNat: d.nat.get('dstNat') ?? null,
    anyNat: d.nat.get('anyNat') ?? null,
  };
  return { op, select, style: d.style, create: creating ? entryOfDraft(d) : null, update: { mark: d.mark, timeout: n('timeout'), status: d.status ?? 0 } };
}

/** The entry `-I` makes: the direction not given is the mirror of the other, with the NAT asked for. */
function entryOfDraft(d: Draft): CtEntry {
  const proto = d.proto ?? 0;
  const n = (k: NumberKey): number => d.number.get(k) ?? 0;
  const tuple = (src: Addr, dst: Addr, sport: number, dport: number): Tuple =>
    isIcmp(proto)
      ? { family: familyOf(src), src, dst, proto, sport: n('icmpId'), dport: (n('icmpType') << 8) | n('icmpCode') }
      : { family: familyOf(src), src, dst, proto, sport, dport };
  const mirror = (t: Tuple): Tuple => invertTuple(t) ?? { ...t, src: t.dst, dst: t.src };
  const src = d.addr.get('src')?.addr;
  const dst = d.addr.get('dst')?.addr;
  const replySrc = d.addr.get('replySrc')?.addr;
  const replyDst = d.addr.get('replyDst')?.addr;
  const orig =
    src !== undefined && dst !== undefined
      ? tuple(src, dst, n('sport'), n('dport'))
      : mirror(tuple(replySrc as Addr, replyDst as Addr, n('replySport'), n('replyDport')));
  let reply = mirror(orig);
  if (replySrc !== undefined && replyDst !== undefined && !isIcmp(proto)) {
    reply = { ...reply, src: replySrc, dst: replyDst, sport: d.number.get('replySport') ?? reply.sport, dport: d.number.get('replyDport') ?? reply.dport };
  }
  const s = d.nat.get('srcNat');
  const t = d.nat.get('dstNat');
  if (s?.addr != null) reply = { ...reply, dst: s.addr, dport: s.port ?? reply.dport };
  if (t?.addr != null) reply = { ...reply, src: t.addr, sport: t.port ?? reply.sport };
  const status = d.status ?? 0;
  return {
    orig,
    reply,
    timeout: n('timeout'),
    state: d.state,
    unreplied: !(status & IPS.SEEN_REPLY),
    assured: (status & IPS.ASSURED) !== 0,
    mark: d.mark?.value ?? 0,
    zone: zoneOfDraft(d),
    acct: null,
    secctx: null,
    helper: null,
    use: 1,
  };
}

function zoneOfDraft(d: Draft): Zone {
  for (const [key, dir] of [
    ['zone', 'both'],
    ['origZone', 'orig'],
    ['replyZone', 'reply'],
  ] as const) {
    const id = d.number.get(key);
    if (id !== undefined && id !== 0) return { id, dir };
  }
  return DEFAULT_ZONE;
}
