/** What a recorder could not see is not asked of the model either: such fields are taken out of its observations before they are scored. */
import type { CorpusCase, Delivery, ModelCase, Observed, TracePoint, Unobserved } from './corpus.js';

/** The model's observations without what `c.unobserved` names; the same object where nothing is named. */
export function visibleModel(c: Pick<CorpusCase, 'unobserved'>, m: ModelCase): ModelCase {
  const names = new Set<Unobserved>(c.unobserved ?? []);
  if (names.size === 0) return m;
  const connected = new Set<string>();
  return { ...m, steps: m.steps.map((s) => (s.observed ? { ...s, observed: visible(s.observed, names, connected) } : s)) };
}

function visible(o: Observed, names: ReadonlySet<Unobserved>, connected: Set<string>): Observed {
  const told = o.delivered?.filter((d) => !(names.has('delivered.soft_error') && isSoft(d, connected))) ?? [];
  return {
    ...o,
    delivered: told.length === 0 ? null : names.has('delivered.to') ? told.map(withoutAddress) : told,
    ...(names.has('drops.port_state') ? { drops: o.drops.filter((d) => d.reason !== 'BRIDGE_INGRESS_STP_STATE') } : {}),
    ...(names.has('trace.physin') || names.has('trace.pkt') ? { trace: o.trace.map((t) => withoutPoint(t, names)) } : {}),
  };
}

/** A reset is none. Steps share `connected`: the sockets that have come so far. */
function isSoft(d: Delivery, connected: Set<string>): boolean {
  if (d.event === 'connected' || d.event === 'accept') connected.add(d.socket);
  return d.event === 'error' && d.error !== 'ECONNRESET' && d.error !== 'EPIPE' && connected.has(d.socket);
}

function withoutAddress(d: Delivery): Delivery {
  if (d.event !== 'data' || d.to === undefined) return d;
  const { to: _to, dev: _dev, ...rest } = d;
  return rest;
}

function withoutPoint(t: TracePoint, names: ReadonlySet<Unobserved>): TracePoint {
  const { physin, pkt, ...rest } = t;
  const port = names.has('trace.physin') && t.in === '' ? undefined : physin;
  const buffer = names.has('trace.pkt') ? undefined : pkt;
  return { ...rest, ...(port === undefined ? {} : { physin: port }), ...(buffer === undefined ? {} : { pkt: buffer }) };
}
