/** `-m owner --uid-owner, --gid-owner, --socket-exists, --suppl-groups`: the local socket that sends. */
import { groupId, userId } from '../../../base/well-known.js';
import { fullSocket, gid, uid } from '../../fields.js';
import { ALWAYS, all, any, between, call, NEVER, negateIf, type Pred } from '../../pred.js';
import { type Given, type MatchDef, OptionError } from '../extension.js';
import { parseUint, scanUint, U32 } from '../numbers.js';
import { badValue, bang, given, isGiven } from '../values.js';

interface IdRange {
  readonly lo: number;
  readonly hi: number;
  readonly invert: boolean;
}
interface OwnerMatch {
  readonly uid: IdRange | null;
  readonly gid: IdRange | null;
  readonly socketExists: { readonly invert: boolean } | null;
  readonly supplGroups: boolean;
}

/** A name, an id, or `lo-hi` (`:` does as well). -1 is no id. */
function parseIds(g: Given | undefined, byName: (name: string) => number | undefined): IdRange | null {
  if (!g) return null;
  const named = byName(g.value);
  if (named !== undefined) return { lo: named, hi: named, invert: g.invert };
  const lo = scanUint(g.value);
  if (!lo || lo.value >= BigInt(U32)) throw badValue('owner', g.name, g.value);
  const from = Number(lo.value);
  if (lo.rest === '') return { lo: from, hi: from, invert: g.invert };
  const to = /^[-:]/.test(lo.rest) ? parseUint(lo.rest.slice(1), 0, U32 - 1) : null;
  if (to === null) throw badValue('owner', g.name, g.value);
  return { lo: from, hi: to, invert: g.invert };
}

function parse(gs: readonly Given[]): OwnerMatch {
  if (gs.length === 0) throw new OptionError('owner: At least one of --uid-owner, --gid-owner or --socket-exists is required');
  const suppl = gs.findIndex((g) => g.name === 'suppl-groups');
  if (suppl >= 0 && !isGiven(gs.slice(0, suppl), 'gid-owner')) throw badValue('owner', 'suppl-groups', 'you need to use --gid-owner first');
  const exists = given(gs, 'socket-exists');
  return {
    uid: parseIds(given(gs, 'uid-owner'), userId),
    gid: parseIds(given(gs, 'gid-owner'), groupId),
    socketExists: exists ? { invert: exists.invert } : null,
    supplGroups: suppl >= 0,
  };
}

const show = (name: string, r: IdRange | null): string => (r ? `${bang(r.invert)} --${name} ${r.lo === r.hi ? r.lo : `${r.lo}-${r.hi}`}` : '');

const hasSocket: Pred = call(
  'socket',
  [],
  (c) => fullSocket(c) !== null,
  'a local socket',
  () => 'none',
);

function groupTest(r: IdRange, suppl: boolean): Pred {
  const own = between(gid, r.lo, r.hi);
  if (!suppl) return own;
  return any(
    own,
    call(
      'groups',
      [gid],
      (c) => gid.read(c) !== undefined && fullSocket(c)?.groups.some((g) => g >= r.lo && g <= r.hi) === true,
      `a group of ${r.lo} to ${r.hi}`,
      (c) => fullSocket(c)?.groups.join(',') ?? '',
    ),
  );
}

/** owner_mt(): without a socket the rule matches only if every condition asked for is inverted. */
function predicate(d: OwnerMatch): Pred {
  const asked = [d.uid, d.gid, d.socketExists].filter((x) => x !== null);
  const without = asked.every((x) => x.invert) ? ALWAYS : NEVER;
  const tests: Pred[] = [hasSocket];
  if (d.socketExists?.invert) tests.push(NEVER);
  if (d.uid) tests.push(negateIf(d.uid.invert, between(uid, d.uid.lo, d.uid.hi)));
  if (d.gid) tests.push(negateIf(d.gid.invert, groupTest(d.gid, d.supplGroups)));
  return without === NEVER ? all(...tests) : any(negateIf(true, hasSocket), all(...tests));
}

export const owner: MatchDef<OwnerMatch> = {
  name: 'owner',
  kernel: 'net/netfilter/xt_owner.c',
  families: ['ipv4', 'ipv6'],
  hooks: ['OUTPUT', 'POSTROUTING'],
  options: [
    { name: 'uid-owner', arg: 'required', invert: true },
    { name: 'gid-owner', arg: 'required', invert: true },
    { name: 'socket-exists', arg: 'none', invert: true },
    { name: 'suppl-groups', arg: 'none' },
  ],
  parse,
  print: (d) =>
    (d.socketExists ? `${bang(d.socketExists.invert)} --socket-exists` : '') +
    show('uid-owner', d.uid) +
    show('gid-owner', d.gid) +
    (d.supplGroups ? ' --suppl-groups' : ''),
  check: (d: OwnerMatch) => {
    if (d.uid && d.uid.lo > d.uid.hi) throw new OptionError('owner: the range of users is the wrong way round', 'uid-owner');
    if (d.gid && d.gid.lo > d.gid.hi) throw new OptionError('owner: the range of groups is the wrong way round', 'gid-owner');
  },
  lower: (d) => [{ kind: 'test', pred: predicate(d) }],
};
