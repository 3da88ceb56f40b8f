/** Where a random rule stands: what its matches and targets may be depends on it. */
import type { Rng } from './rng.js';

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

export interface Place {
  readonly table: string;
  /** The hooks that can reach the chain: what rules may use depends on them. */
  readonly hooks: readonly Hook[];
  /** User chains further down, to jump to. */
  readonly down: readonly string[];
  readonly user: boolean;
}

export const only = (p: Place, ...hooks: Hook[]): boolean => p.hooks.every((h) => hooks.includes(h));
export const maybe = (r: Rng): string => (r.chance(20) ? '! ' : '');
