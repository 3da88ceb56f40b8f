import type { RuleRef } from '../trace/event.js';

/** Thrown where the engine does not know what Linux does; caught by the run loop, which makes it the packet's fate. */
export class Inconclusive extends Error {
  constructor(
    readonly what: string,
    readonly rule: RuleRef | null = null,
    /** Id of the packet whose fate it has been told as; null: not told yet. */
    readonly told: number | null = null,
  ) {
    super(`inconclusive: ${what}`);
  }
}
