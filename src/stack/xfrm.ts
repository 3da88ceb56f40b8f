/** IPsec as the stages ask for it: policy checks, bundles, what NAT does to them (net/xfrm/xfrm_policy.c, nf_nat_core.c). */
import { formatAddr } from '../base/addr.js';
import type { Skb } from '../packet/skb.js';
import { ctIsReply, type Dst, IPS } from '../packet/types.js';
import type { XfrmPolicy, XfrmState } from '../xfrm/model.js';
import { hasTunnelStep, lookupPolicy, secpathSatisfies, stateFor, type XfrmFlow } from '../xfrm/select.js';
import type { Facts } from './kernel.js';
import type { NodeRun } from './node-run.js';

/** What a route carries when IPsec transforms its packets: the states, outermost last, and the plain route below. */
export interface XfrmBundle {
  readonly policy: XfrmPolicy;
  readonly states: readonly XfrmState[];
  /** The route the packet had without IPsec. */
  readonly plain: Dst;
  /** The route of the outer packet. */
  readonly outer: Dst;
}

/** Bytes that ESP with AES-GCM-16 adds to a packet: outer header, SPI, sequence, IV, trailer, ICV at most. */
const ESP_OVERHEAD = 20 + 8 + 8 + 2 + 2 + 16;

export class Xfrm {
  constructor(readonly n: NodeRun) {}

  get active(): boolean {
    return this.n.hasXfrm;
  }

  #flow(skb: Skb, dev: string | null): XfrmFlow {
    const ports = skb.l4proto === 6 || skb.l4proto === 17 || skb.l4proto === 132;
    return {
      family: skb.family,
      src: skb.saddr,
      dst: skb.daddr,
      proto: skb.l4proto,
      sport: ports ? Math.max(0, skb.sport) : 0,
      dport: ports ? Math.max(0, skb.dport) : 0,
      mark: skb.mark,
      dev,
    };
  }

  /** nf_nat_decode_session(): policies of received packets are looked up by the addresses that the wire had. */
  #untranslated(skb: Skb, f: XfrmFlow): XfrmFlow {
    const ct = skb.ct;
    if (!ct) return f;
    const reply = ctIsReply(skb.ctinfo as never);
    const t = reply ? ct.reply : ct.orig;
    let out = f;
    if (ct.status & (reply ? IPS.SRC_NAT : IPS.DST_NAT)) out = { ...out, dst: t.dst };
    if (ct.status & (reply ? IPS.DST_NAT : IPS.SRC_NAT)) out = { ...out, src: t.src };
    return out;
  }

  /** __xfrm_policy_check(): null = passes, else the MIB counter of the refusal. */
  check(skb: Skb, dir: 'in' | 'fwd'): { counter: string; policy: XfrmPolicy | null } | null {
    const { given } = this.n;
    if (!this.active && skb.secpath === null) return null;
    const flow = this.#untranslated(skb, this.#flow(skb, skb.dev?.name ?? null));
    const policy = lookupPolicy(given.xfrmPolicies, dir, flow);
    if (policy === null) return hasTunnelStep(skb.secpath) ? { counter: dir === 'fwd' ? 'XfrmInNoPols' : 'XfrmInNoPols', policy: null } : null;
    if (policy.action === 'block') return { counter: 'XfrmInPolBlock', policy };
    return secpathSatisfies(policy, skb.secpath ?? []) ? null : { counter: 'XfrmInTmplMismatch', policy };
  }

  facts(skb: Skb, dir: 'in' | 'fwd' | 'out'): Facts {
    const flow = dir === 'out' ? this.#flow(skb, skb.dst?.dev.name ?? null) : this.#untranslated(skb, this.#flow(skb, skb.dev?.name ?? null));
    const p = lookupPolicy(this.n.given.xfrmPolicies, dir, flow);
    return {
      dir,
      src: formatAddr(flow.src),
      dst: formatAddr(flow.dst),
      secpath: skb.secpath !== null,
      policy: p === null ? null : policyText(p),
      counter: dir === 'out' ? 'XfrmOutPolBlock' : (this.check(skb, dir)?.counter ?? null),
    };
  }

  /** xfrm_lookup(): the route with its bundle where a policy wants one; 'block' or 'nostate' where it cannot go out. */
  lookup(skb: Skb, plain: Dst): Dst | 'block' | 'nostate' {
    const { given } = this.n;
    if (given.xfrmPolicies.length === 0 || plain.dev.loopback) return plain;
    const flow = this.#flow(skb, plain.dev.name);
    const policy = lookupPolicy(given.xfrmPolicies, 'out', flow);
    if (policy === null) return plain;
    if (policy.action === 'block') return 'block';
    if (policy.templates.length === 0) return plain;
    const states: XfrmState[] = [];
    for (const t of policy.templates) {
      const s = stateFor(given.xfrmStates, t, flow);
      if (s) states.push(s);
      else if (t.level === 'required') return 'nostate';
    }
    if (states.length === 0) return plain;
    const last = states[states.length - 1];
    let outer = plain;
    if (last.mode === 'tunnel') {
      const r = this.n.routeOutput(plain.family, { dst: last.dst, src: last.src, mark: 0, tos: 0, proto: 50, purpose: 'other' });
      if (r.dst === null) return 'nostate';
      outer = r.dst;
    }
    const bundle: XfrmBundle = { policy, states, plain, outer };
    return { ...plain, dev: outer.dev, xfrm: bundle };
  }

  /** Bytes left for the inner packet. */
  mtu(dst: Dst): number {
    return (dst.xfrm as XfrmBundle).outer.mtu - ESP_OVERHEAD;
  }
}

export const bundleOf = (dst: Dst): XfrmBundle => dst.xfrm as XfrmBundle;

/** As `ip xfrm policy` begins its lines. */
export function policyText(p: XfrmPolicy): string {
  const s = p.selector;
  const t = p.templates[0];
  const tmpl = t ? ` tmpl ${formatAddr(t.src)} > ${formatAddr(t.dst)} ${t.proto} reqid ${t.reqid} ${t.mode}` : '';
  return `src ${formatAddr(s.src.addr)}/${s.src.len} dst ${formatAddr(s.dst.addr)}/${s.dst.len} dir ${p.dir}${tmpl}`;
}
