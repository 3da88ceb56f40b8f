/** What `ip xfrm policy` and `ip xfrm state` print, as plain data. */
import type { Addr, Family } from '../base/addr.js';

export interface XfrmSelector {
  readonly family: Family;
  readonly src: { readonly addr: Addr; readonly len: number };
  readonly dst: { readonly addr: Addr; readonly len: number };
  readonly proto: number;
  readonly sport: { readonly port: number; readonly mask: number } | null;
  readonly dport: { readonly port: number; readonly mask: number } | null;
  readonly dev: string | null;
}
export interface XfrmTemplate {
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: 'esp' | 'ah' | 'comp';
  readonly spi: number;
  readonly reqid: number;
  readonly mode: 'transport' | 'tunnel' | 'beet';
  /** 'required' or 'use' (optional). */
  readonly level: 'required' | 'use';
}
export interface XfrmPolicy {
  readonly selector: XfrmSelector;
  readonly dir: 'in' | 'out' | 'fwd';
  readonly action: 'allow' | 'block';
  readonly priority: number;
  readonly index: number;
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly ifId: number;
  readonly templates: readonly XfrmTemplate[];
}
export interface XfrmState {
  readonly src: Addr;
  readonly dst: Addr;
  readonly proto: 'esp' | 'ah' | 'comp';
  readonly spi: number;
  readonly reqid: number;
  readonly mode: 'transport' | 'tunnel' | 'beet';
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly ifId: number;
  readonly selector: XfrmSelector | null;
  /** Lines not interpreted (keys, replay window, …), kept for printing. */
  readonly other: readonly string[];
}
