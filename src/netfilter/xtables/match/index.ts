/** Every match extension: one file and one line each. */
import type { MatchDefWithConntrack } from '../extension.js';

// biome-ignore lint/suspicious/noExplicitAny: each match has option data of its own.
export const matches: readonly MatchDefWithConntrack<any>[] = [];
