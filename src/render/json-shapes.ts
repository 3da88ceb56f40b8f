/**
 * The events as JSON: one table of fields that drives both the writer and the JSON Schema, so that they cannot differ. A field of an event without a row here is a compile error.
 * Addresses and MACs become text, bytes become hexadecimal text.
 */
import { type Addr, formatAddr, formatMac } from '../base/addr.js';
import type { Event, EventBody, EventOf, PacketView } from '../trace/event.js';

/** One kind of value: its JSON Schema and how it is written. */
interface Kind {
  readonly schema: object;
  readonly write: (v: unknown) => unknown;
}

const asIs = (schema: object): Kind => ({ schema, write: (v) => v });
const text = asIs({ type: 'string' });
const integer = asIs({ type: 'integer' });
const flag = asIs({ type: 'boolean' });
const one = (...values: readonly string[]): Kind => asIs({ enum: values });
const orNull = (k: Kind): Kind => ({ schema: { anyOf: [k.schema, { type: 'null' }] }, write: (v) => (v === null ? null : k.write(v)) });
const list = (k: Kind): Kind => ({ schema: { type: 'array', items: k.schema }, write: (v) => (v as readonly unknown[]).map(k.write) });
const addr: Kind = { schema: { type: 'string', description: 'IPv4 or IPv6 address' }, write: (v) => formatAddr(v as Addr) };
const mac: Kind = { schema: { type: 'string', pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' }, write: (v) => formatMac(v as number) };
const bytes: Kind = {
  schema: { type: 'string', pattern: '^([0-9a-f]{2})*$', description: 'bytes in hexadecimal' },
  write: (v) => [...(v as Uint8Array)].map((b) => b.toString(16).padStart(2, '0')).join(''),
};
const scalar = asIs({ type: ['string', 'number', 'boolean', 'null'] });
const numberOrText = asIs({ type: ['string', 'number'] });

type Fields<T> = { readonly [K in keyof Required<T>]: Kind };

function object<T>(fields: Fields<T>, optional: readonly (keyof T)[] = []): Kind {
  const entries = Object.entries<Kind>(fields as Readonly<Record<string, Kind>>);
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(entries.map(([k, v]) => [k, v.schema])),
      required: entries.map(([k]) => k).filter((k) => !(optional as readonly string[]).includes(k)),
      additionalProperties: false,
    },
    write: (v) =>
      Object.fromEntries(
        entries.flatMap(([k, kind]) => ((v as Record<string, unknown>)[k] === undefined ? [] : [[k, kind.write((v as Record<string, unknown>)[k])]])),
      ),
  };
}

const view = object<PacketView>({
  protocol: integer,
  data: bytes,
  eth: orNull(object({ dst: mac, src: mac })),
  mark: integer,
  uid: orNull(integer),
  gid: orNull(integer),
  length: integer,
});
const rule = object<EventOf<'trace'>['rule']>(
  {
    backend: one('legacy', 'nft', 'ebtables', 'nftables'),
    family: one('ipv4', 'ipv6', 'bridge', 'ip', 'ip6', 'inet', 'arp', 'netdev'),
    table: text,
    chain: text,
    num: integer,
    handle: integer,
  },
  ['handle'],
);
const hook = one('INGRESS', 'BROUTING', 'PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING', 'EGRESS');
const ends = object<EventOf<'nat'>['before']>({ src: addr, sport: integer, dst: addr, dport: integer });
const origin = object<EventOf<'skb'>['origin']>({
  kind: one('sent', 'injected', 'reassembled', 'fragment', 'clone', 'encapsulated', 'decapsulated', 'icmp-error', 'reply', 'received'),
  of: orNull(integer),
});
const devices = { in: text, out: text, physin: text, physout: text };
const pktType = one('host', 'broadcast', 'multicast', 'otherhost', 'outgoing', 'loopback');

type Body<T extends EventBody['t']> = Omit<Extract<EventBody, { t: T }>, 't'>;

const shapes: { readonly [T in EventBody['t']]: Fields<Body<T>> } = {
  skb: { origin, view, dev: orNull(text) },
  box: { box: text },
  hook: { family: one('ipv4', 'ipv6', 'bridge', 'arp', 'netdev'), hook, in: orNull(text), out: orNull(text), view },
  trace: { rule, kind: one('rule', 'return', 'policy'), ...devices, view, macDev: orNull(text), macLinkType: text, macAt: orNull(integer) },
  'nft-trace': {
    rule,
    kind: one('rule', 'end', 'policy'),
    traceId: integer,
    verdict: text,
    policy: orNull(text),
    in: text,
    out: text,
    mark: integer,
    view,
    withPacket: flag,
  },
  match: { rule, verdict: text },
  'no-match': { rule, why: list(object({ field: text, wanted: text, had: text })) },
  policy: { rule, policy: text },
  route: {
    purpose: one('input', 'output', 'reverse-path', 'reroute', 'other'),
    src: addr,
    dst: addr,
    iif: orNull(text),
    oif: orNull(text),
    mark: integer,
    tos: integer,
    tables: list(object({ pref: integer, table: text, route: orNull(text) })),
    type: text,
    dev: orNull(text),
    gateway: orNull(addr),
    prefsrc: orNull(addr),
    errno: integer,
  },
  'source-check': {
    src: addr,
    dev: text,
    rpFilterAll: integer,
    rpFilterDev: integer,
    effective: integer,
    reverseDev: orNull(text),
    ok: flag,
    mark: integer,
    srcValidMark: flag,
  },
  conntrack: {
    what: one('new', 'found', 'confirmed', 'invalid', 'related', 'untracked', 'died', 'clash'),
    ctId: integer,
    state: text,
    orig: text,
    reply: text,
  },
  nat: { manip: one('SNAT', 'DNAT'), undo: flag, before: ends, after: ends, rule: orNull(rule), ctId: integer },
  mangle: { field: text, before: numberOrText, after: numberOrText, rule: orNull(rule) },
  'set-test': { set: text, member: text, hit: flag, rule: orNull(rule) },
  log: { rule, prefix: text, level: integer, options: integer, ...devices, view, macLinkType: text, macAt: orNull(integer) },
  klog: { text },
  neigh: { dev: text, addr, state: one('known', 'resolved', 'incomplete', 'noarp', 'failed'), mac: orNull(mac) },
  bridge: { what: one('forward', 'flood', 'local', 'drop', 'learn'), bridge: text, port: text, to: orNull(text), mac },
  xfrm: { what: one('policy', 'encode', 'decode', 'mismatch'), dir: one('in', 'out', 'fwd'), text },
  choice: { what: text, value: integer },
  emit: { dev: text, frame: bytes },
  receive: { dev: text, frame: bytes },
  tap: { dir: one('in', 'out'), dev: text, ifindex: integer, linkType: text, pktType, protocol: integer, eth: flag, frame: bytes },
  deliver: { socket: text, what: text, view },
  drop: { reason: text, location: text, cause: text, rule: orNull(rule), facts: asIs({ type: 'object', additionalProperties: scalar.schema }) },
  consume: { why: one('echo-replied', 'merged', 'held', 'handled', 'encapsulated', 'decapsulated', 'fragmented', 'cloned'), into: orNull(integer) },
  inconclusive: { what: text, rule: orNull(rule) },
  assumed: { what: text, value: text },
};

const kinds = new Map<string, Kind>(
  Object.entries(shapes).map(([t, fields]) => [
    t,
    object({ t: asIs({ const: t }), node: text, skb: integer, time: asIs({ type: 'number' }), ...(fields as Readonly<Record<string, Kind>>) }),
  ]),
);

export const writeEvent = (e: Event): unknown => kinds.get(e.t)?.write(e);
export const eventSchema = (): object => ({ oneOf: [...kinds.values()].map((k) => k.schema) });
export {
  addr as addrKind,
  flag as flagKind,
  integer as integerKind,
  type Kind,
  list as listKind,
  object as objectKind,
  one as oneKind,
  orNull as orNullKind,
  text as textKind,
};
