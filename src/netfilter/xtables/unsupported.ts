/** The step of a match that loads, prints and is checked, but whose answer this engine does not know: the packet that reaches it ends inconclusive. */
import type { RuleStep } from './extension.js';

export const unsupportedSteps = (name: string, text: string): readonly RuleStep[] => [
  { kind: 'stateful', name, test: (c) => c.env.inconclusive(`match ${name}${text}`, c), show: text.trim() },
];
