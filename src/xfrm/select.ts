/** Which policy and which states concern a flow: xfrm_policy_lookup(), xfrm_selector_match(), xfrm_tmpl_resolve() (net/xfrm/xfrm_policy.c). Facts only. */
import { type Addr, type Family, inPrefix } from '../base/addr.js';
import { memoByIdentity } from '../base/memo.js';
import type { SecpathStep } from '../packet/types.js';
import type { XfrmPolicy, XfrmSelector, XfrmState, XfrmTemplate } from './model.js';

export interface XfrmFlow {
  readonly family: Family;
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  readonly mark: number;
  /** Output device for `dev` selectors; null = none. */
  readonly dev: string | null;
}

function selectorMatches(s: XfrmSelector, f: XfrmFlow): boolean {
  return (
    s.family === f.family &&
    inPrefix(f.dst, s.dst.addr, s.dst.len) &&
    inPrefix(f.src, s.src.addr, s.src.len) &&
    (s.sport === null || ((f.sport ^ s.sport.port) & s.sport.mask) === 0) &&
    (s.dport === null || ((f.dport ^ s.dport.port) & s.dport.mask) === 0) &&
    (s.proto === 0 || s.proto === f.proto) &&
    (s.dev === null || s.dev === f.dev)
  );
}

/** Policies by direction, least priority number first; of equals the one installed first. */
const ordered = memoByIdentity((all: readonly XfrmPolicy[]) => {
  const sorted = all.map((p, i) => ({ p, i })).sort((a, b) => a.p.priority - b.p.priority || a.i - b.i);
  const of = (dir: XfrmPolicy['dir']): readonly XfrmPolicy[] => sorted.filter((x) => x.p.dir === dir).map((x) => x.p);
  return { in: of('in'), out: of('out'), fwd: of('fwd') };
});

const policiesOf = (all: readonly XfrmPolicy[], dir: XfrmPolicy['dir']): readonly XfrmPolicy[] => ordered(all)[dir];

export function lookupPolicy(all: readonly XfrmPolicy[], dir: XfrmPolicy['dir'], f: XfrmFlow): XfrmPolicy | null {
  return (
    policiesOf(all, dir).find((p) => p.ifId === 0 && (p.mark === null || ((f.mark ^ p.mark.value) & p.mark.mask) === 0) && selectorMatches(p.selector, f)) ??
    null
  );
}

/** The state for a template on output: xfrm_state_find(). */
export function stateFor(states: readonly XfrmState[], t: XfrmTemplate, f: XfrmFlow): XfrmState | null {
  const dst = t.mode === 'transport' ? f.dst : t.dst;
  const src = t.mode === 'transport' ? f.src : t.src;
  return (
    states.find(
      (s) =>
        s.proto === t.proto &&
        s.mode === t.mode &&
        s.dst === dst &&
        s.src === src &&
        (t.reqid === 0 || s.reqid === t.reqid) &&
        (t.spi === 0 || s.spi === t.spi) &&
        (s.mark === null || ((f.mark ^ s.mark.value) & s.mark.mask) === 0),
    ) ?? null
  );
}

const protoNumber = { esp: 50, ah: 51, comp: 108 } as const;

/** The state that an incoming ESP or AH packet names: xfrm_state_lookup(). */
export function stateBySpi(states: readonly XfrmState[], dst: Addr, spi: number, proto: number): XfrmState | null {
  return states.find((s) => s.dst === dst && s.spi === spi && protoNumber[s.proto] === proto) ?? null;
}

/** xfrm_policy_ok() over all templates: each must be met by a step of the secpath, in order, and no tunnel step may be left over. */
export function secpathSatisfies(p: XfrmPolicy, path: readonly SecpathStep[]): boolean {
  let k = 0;
  for (const t of [...p.templates].reverse()) {
    const at = path.findIndex((s, i) => i >= k && stepMatches(t, s));
    if (at < 0) {
      if (t.level === 'use') continue;
      return false;
    }
    k = at + 1;
  }
  return path.slice(k).every((s) => s.mode === 'transport');
}

function stepMatches(t: XfrmTemplate, s: SecpathStep): boolean {
  return (
    protoNumber[t.proto] === s.proto &&
    (t.spi === 0 || t.spi === s.spi) &&
    (t.reqid === 0 || t.reqid === s.reqid) &&
    t.mode === s.mode &&
    (t.mode === 'transport' || (t.dst === s.dst && (t.src === s.src || t.src === 0)))
  );
}

export const hasTunnelStep = (path: readonly SecpathStep[] | null): boolean => path?.some((s) => s.mode !== 'transport') ?? false;
