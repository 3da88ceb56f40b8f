/** `-m conntrack` and `-m state`: what connection tracking thinks of the packet. */
import { andAddr, type Family, maskToPrefix } from '../../../base/addr.js';
import { IPS } from '../../../packet/types.js';
import * as f from '../../fields.js';
import { absent, all, any, between, call, equals, type Field, masked, NEVER, negateIf, type Pred, prefix } from '../../pred.js';
import { type Given, type MatchDefWithConntrack, OptionError, type OptionSpec } from '../extension.js';
import { U32 } from '../numbers.js';
import {
  type AddrMask,
  badValue,
  bang,
  byBeginning,
  given,
  hostMask,
  type PortRange,
  parseProtocol,
  portRc,
  showAddrMask,
  showPorts,
  uintPair,
} from '../values.js';

interface Inv<T> {
  readonly value: T;
  readonly invert: boolean;
}
interface ConntrackMatch {
  /** Bits of CT_STATE, of IPS_*. */
  readonly state: Inv<number> | null;
  readonly status: Inv<number> | null;
  readonly proto: Inv<number> | null;
  /** In the order of ADDRS and PORTS. */
  readonly addrs: readonly (Inv<AddrMask> | null)[];
  readonly ports: readonly (Inv<PortRange> | null)[];
  readonly expire: Inv<readonly [number, number]> | null;
  readonly dir: 'ORIGINAL' | 'REPLY' | null;
}

const ADDRS: readonly (readonly [string, Field])[] = [
  ['ctorigsrc', f.ctorigsrc],
  ['ctorigdst', f.ctorigdst],
  ['ctreplsrc', f.ctreplsrc],
  ['ctrepldst', f.ctrepldst],
];
const PORTS: readonly (readonly [string, Field])[] = [
  ['ctorigsrcport', f.ctorigsrcport],
  ['ctorigdstport', f.ctorigdstport],
  ['ctreplsrcport', f.ctreplsrcport],
  ['ctrepldstport', f.ctrepldstport],
];
/** In the order searched; a beginning of a name suffices. */
const STATES: readonly (readonly [string, number])[] = [
  ['INVALID', f.CT_STATE.INVALID],
  ['NEW', f.CT_STATE.NEW],
  ['ESTABLISHED', f.CT_STATE.ESTABLISHED],
  ['RELATED', f.CT_STATE.RELATED],
  ['UNTRACKED', f.CT_STATE.UNTRACKED],
  ['SNAT', f.CT_STATE.SNAT],
  ['DNAT', f.CT_STATE.DNAT],
];
const STATUSES: readonly (readonly [string, number])[] = [
  ['NONE', 0],
  ['EXPECTED', IPS.EXPECTED],
  ['SEEN_REPLY', IPS.SEEN_REPLY],
  ['ASSURED', IPS.ASSURED],
  ['CONFIRMED', IPS.CONFIRMED],
];

function parseBits(g: Given | undefined, names: readonly (readonly [string, number])[], bad: string): Inv<number> | null {
  if (!g) return null;
  let value = 0;
  const words = g.value.split(',');
  words.forEach((word, i) => {
    const bits = byBeginning(word, names);
    if (bits === null) throw new OptionError(`${bad} "${words.slice(i).join(',')}"`, g.name, `one of ${names.map(([n]) => n).join(', ')}`);
    value |= bits;
  });
  return { value, invert: g.invert };
}

const inv = <T>(g: Given | undefined, value: (g: Given) => T): Inv<T> | null => (g ? { value: value(g), invert: g.invert } : null);

function parseDir(g: Given | undefined): ConntrackMatch['dir'] {
  if (!g) return null;
  const word = g.value.toUpperCase();
  if (word !== 'ORIGINAL' && word !== 'REPLY') throw badValue('conntrack', 'ctdir', g.value);
  return word;
}

function parse(gs: readonly Given[], family: Family): ConntrackMatch {
  if (gs.length === 0) throw new OptionError('conntrack: At least one option is required');
  return {
    state: parseBits(given(gs, 'ctstate'), STATES, 'Bad ctstate'),
    status: parseBits(given(gs, 'ctstatus'), STATUSES, 'Bad ctstatus'),
    proto: inv(given(gs, 'ctproto'), parseProtocol),
    addrs: ADDRS.map(([n]) => inv(given(gs, n), (g) => hostMask('conntrack', g, family))),
    ports: PORTS.map(([n]) => inv(given(gs, n), (g) => portRc('conntrack', g))),
    expire: inv(given(gs, 'ctexpire'), (g) => uintPair('conntrack', g, U32)),
    dir: parseDir(given(gs, 'ctdir')),
  };
}

function print(d: ConntrackMatch): string {
  let s = d.state ? `${bang(d.state.invert)} --ctstate ${f.ctStateNames(d.state.value)}` : '';
  if (d.proto) s += `${bang(d.proto.invert)} --ctproto ${d.proto.value}`;
  d.addrs.forEach((a, i) => {
    if (a) s += `${bang(a.invert)} --${ADDRS[i][0]}${showAddrMask(a.value)}`;
  });
  d.ports.forEach((p, i) => {
    if (p) s += `${bang(p.invert)} --${PORTS[i][0]} ${p.value[1] === 0 ? p.value[0] : showPorts(p.value)}`;
  });
  if (d.status)
    s += `${bang(d.status.invert)} --ctstatus ${
      STATUSES.filter(([, b]) => b & d.status!.value)
        .map(([n]) => n)
        .join(',') || 'NONE'
    }`;
  if (d.expire) s += `${bang(d.expire.invert)} --ctexpire ${showPorts(d.expire.value)}`;
  if (d.dir) s += ` --ctdir ${d.dir}`;
  return s;
}

/** (field & bits) != 0 */
const anyBit = (field: Field, bits: number, wanted: string): Pred =>
  call(
    field.name,
    [field],
    (c) => (((field.read(c) as number | undefined) ?? 0) & bits) !== 0,
    wanted,
    (c) => {
      const v = field.read(c);
      return v === undefined ? 'none' : field.show(v);
    },
  );

/** The tests on the connection itself, in the kernel's order. */
function connectionTests(d: ConntrackMatch): Pred[] {
  const tests: Pred[] = [];
  if (d.dir) tests.push(equals(f.ctdir, d.dir === 'ORIGINAL' ? 0 : 1));
  d.addrs.forEach((a, i) => {
    if (a) tests.push(negateIf(a.invert, addrTest(ADDRS[i][1], a.value)));
  });
  if (d.proto) tests.push(negateIf(d.proto.invert, equals(f.ctproto, d.proto.value)));
  d.ports.forEach((p, i) => {
    if (p) tests.push(negateIf(p.invert, between(PORTS[i][1], p.value[0], p.value[1])));
  });
  if (d.status) tests.push(negateIf(d.status.invert, anyBit(f.ctstatus, d.status.value, `status 0x${d.status.value.toString(16)}`)));
  if (d.expire) tests.push(negateIf(d.expire.invert, between(f.ctexpire, d.expire.value[0], d.expire.value[1])));
  return tests;
}

/** conntrack_addrcmp(): what lies outside the mask does not count, on neither side. */
function addrTest(field: Field, { addr, mask }: AddrMask): Pred {
  const len = maskToPrefix(mask);
  const net = andAddr(addr, mask);
  if (len >= 0) return prefix(field, net, len);
  return typeof net === 'number' && typeof mask === 'number' ? masked(field, mask, net) : NEVER;
}

/** conntrack_mt(): a packet without a connection is told by its state alone; the other conditions are then not looked at. */
function predicate(d: ConntrackMatch): Pred {
  const tests = connectionTests(d);
  if (!d.state) return all(f.present(f.ctdir), ...tests);
  const state = negateIf(d.state.invert, anyBit(f.ctstate, d.state.value, f.ctStateNames(d.state.value)));
  return tests.length === 0 ? state : all(state, any(absent(f.ctdir), all(...tests)));
}

const rangeOptions = (names: readonly string[]): OptionSpec[] => names.map((name) => ({ name, arg: 'required', invert: true }));

export const conntrack: MatchDefWithConntrack<ConntrackMatch> = {
  name: 'conntrack',
  kernel: 'net/netfilter/xt_conntrack.c',
  families: ['ipv4', 'ipv6'],
  options: [
    ...rangeOptions(['ctstate', 'ctproto', ...ADDRS.map(([n]) => n), ...PORTS.map(([n]) => n), 'ctstatus', 'ctexpire']),
    { name: 'ctdir', arg: 'required' },
  ],
  parse: (gs, ctx) => parse(gs, ctx.family),
  print,
  lower: (d) => [{ kind: 'test', pred: predicate(d) }],
  needsConntrack: () => true,
};

/** The older spelling: states without SNAT and DNAT. */
export const state: MatchDefWithConntrack<Inv<number>> = {
  name: 'state',
  kernel: 'net/netfilter/xt_conntrack.c',
  families: ['ipv4', 'ipv6'],
  options: [{ name: 'state', arg: 'required', invert: true, mandatory: true }],
  parse: ([g]) => parseBits(g, STATES.slice(0, 5), 'Bad state')!,
  print: (d) => `${bang(d.invert)} --state ${f.ctStateNames(d.value)}`,
  lower: (d) => [{ kind: 'test', pred: negateIf(d.invert, anyBit(f.ctstate, d.value, f.ctStateNames(d.value))) }],
  needsConntrack: () => true,
};
