/** `source`, `destination`, `snat_to`, `dnat_to`, `masqueraded`: its addresses, at the end, on arrival at a node, and who rewrote them. */
import { type Addr, formatAddr, parseAddr } from '../../base/addr.js';
import { byName } from '../../base/memo.js';
import type { NodeState } from '../../scenario/model.js';
import type { Direction } from '../../stack/outcome.js';
import type { Endpoints, RuleRef } from '../../trace/event.js';
import { type At, eventsOf, type Flow, type Sight, sights, unknownAt } from './flow.js';
import { type Check, each, looked, pairsOf, type Senseless, unknownNode } from './types.js';

interface Wanted {
  readonly addr: Addr | null;
  readonly port: number | null;
}

/** ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. */
function readSeen(text: string): Wanted {
  const whole = parseAddr(text);
  if (whole !== null) return { addr: whole, port: null };
  const m = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  return { addr: parseAddr(m?.[1] ?? m?.[2] ?? ''), port: m ? Number(m[3]) : null };
}

function noAddress(texts: readonly unknown[]): Senseless | null {
  const bad = texts.find((t) => readSeen(String(t)).addr === null);
  return bad === undefined ? null : { code: 'bad-address', message: `“${bad}” is no address`, hint: 'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT' };
}

const show = (a: Addr, port: number): string =>
  port === 0 ? formatAddr(a) : typeof a === 'number' ? `${formatAddr(a)}:${port}` : `[${formatAddr(a)}]:${port}`;
const fits = (w: Wanted, a: Addr, port: number): boolean => w.addr === a && (w.port === null || w.port === port);

function end(key: 'source' | 'destination') {
  const pick = (s: Sight): { addr: Addr; port: number } => (key === 'source' ? { addr: s.src, port: s.sport } : { addr: s.dst, port: s.dport });
  return each(key, (f, value, direction): Check => {
    const all = sights(f, direction);
    const wrong =
      unknownNode(
        f,
        pairsOf(value).map(([node]) => node),
      ) ?? noAddress(typeof value === 'object' ? pairsOf(value).map(([, v]) => v) : [value]);
    if (wrong) return wrong;
    if (typeof value !== 'object') {
      const last = all.at(-1);
      const seen = last && pick(last);
      const ok = seen !== undefined && fits(readSeen(String(value)), seen.addr, seen.port);
      return looked(
        ok,
        `${key} ${value} at the end`,
        seen ? `${key} ${show(seen.addr, seen.port)}` : 'never seen',
        last ? rewriteBefore(f, direction, last.at) : -1,
      );
    }
    for (const [node, text] of pairsOf(value)) {
      const first = all.find((s) => s.node === node);
      const seen = first && pick(first);
      if (!first || !seen) return looked(false, `${key} ${text} on ${node}`, `it never came to ${node}`, all.at(-1)?.at ?? -1);
      if (!fits(readSeen(String(text)), seen.addr, seen.port))
        return looked(false, `${key} ${text} on arrival at ${node}`, `${key} ${show(seen.addr, seen.port)}`, rewriteBefore(f, direction, first.at));
    }
    return looked(true, `${key} as listed`, `${key} as listed`, -1);
  });
}
export const source = end('source');
export const destination = end('destination');

/** The last rewrite before an event is what explains an address; without any, the event itself. */
function rewriteBefore(f: Flow, direction: Direction, at: number): number {
  const before = eventsOf(f, 'nat', direction, true).filter((x) => x.at <= at);
  return before.at(-1)?.at ?? at;
}

type Nat = ReturnType<typeof eventsOf<'nat'>>[number];
export type Manip = 'SNAT' | 'DNAT';

/** Rewrites made by rules (not undone ones) that changed the address or port of that side. */
export function rewrites(f: Flow, manip: Manip, direction: Direction): Nat[] {
  const side = (e: Endpoints): string => (manip === 'SNAT' ? `${formatAddr(e.src)} ${e.sport}` : `${formatAddr(e.dst)} ${e.dport}`);
  return eventsOf(f, 'nat', direction, true).filter(({ event: e }) => e.manip === manip && !e.undo && side(e.before) !== side(e.after));
}

export function natWords(f: Flow, n: Nat | undefined, manip: Manip): string {
  if (!n) return manip === 'SNAT' ? 'no source address was translated' : 'no destination address was translated';
  const a = n.event.after;
  // In an ICMP tuple the port's place is taken by type, code and id.
  const icmp = f.run.outcome.request.start?.type !== -1;
  return manip === 'SNAT'
    ? `${n.event.node} rewrote its source to ${show(a.src, icmp ? 0 : a.sport)}`
    : `${n.event.node} rewrote its destination to ${show(a.dst, icmp ? 0 : a.dport)}`;
}

function natTo(key: string, manip: Manip) {
  return each(key, (f, value, direction): Check => {
    const wrong = noAddress([value]);
    if (wrong) return wrong;
    const all = rewrites(f, manip, direction);
    const w = readSeen(String(value));
    const hit = all.find(({ event: { after: a } }) => (manip === 'SNAT' ? fits(w, a.src, a.sport) : fits(w, a.dst, a.dport)));
    const shown = hit ?? all.at(-1);
    return looked(
      hit !== undefined,
      `${manip === 'SNAT' ? 'source' : 'destination'} translated to ${value}`,
      natWords(f, shown, manip),
      shown?.at ?? f.run.outcome.request.at,
    );
  });
}
export const snatTo = natTo('snat_to', 'SNAT');
export const dnatTo = natTo('dnat_to', 'DNAT');

function isMasquerade(n: NodeState | undefined, r: RuleRef | null): boolean {
  if (!n || !r) return false;
  for (const set of r.family === 'ipv6' ? [n.ip6tables, n.ip6tablesNft] : [n.iptables, n.iptablesNft]) {
    const chain = byName(byName(set?.tables ?? [], r.table)?.chains ?? [], r.chain);
    if (!chain || r.num < 1 || r.num > chain.rules.length) continue;
    const t = chain.rules.at(r.num - 1).target;
    if (t.kind === 'extension' && t.def.name === 'MASQUERADE') return true;
  }
  return false;
}

/** Did a MASQUERADE rule of any node give it another source? */
export function masquerades(f: Flow, direction: Direction): At[] {
  return rewrites(f, 'SNAT', direction).filter(({ event: e }) => isMasquerade(f.run.nodes.get(e.node), e.rule));
}

export const masqueraded = each('masqueraded', (f, value, direction) => {
  const hits = masquerades(f, direction);
  const unknown = unknownAt(f);
  const nat = hits[0] as Nat | undefined;
  // Not seen so far is no "never" when the way on is not known.
  const ok = hits.length > 0 === value && (value === true || unknown < 0);
  return looked(
    ok,
    value === true ? 'masqueraded' : 'not masqueraded',
    nat ? natWords(f, nat, 'SNAT') : unknown >= 0 ? 'inconclusive' : 'not masqueraded',
    nat?.at ?? f.run.outcome.request.at,
  );
});
