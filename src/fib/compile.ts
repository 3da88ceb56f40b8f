/** compileFib(): memoised on the identity of its inputs, so that an edit elsewhere in a scenario recompiles nothing here. */
import { memoByPair } from '../base/memo.js';
import type { NetDevice } from '../packet/types.js';
import { Fib, type FibInput } from './fib.js';
import type { PolicyRule, Route } from './model.js';
import { defaultRules } from './rules.js';
import type { FibAddr } from './types.js';

/** Stands for "follows from the addresses" as a key. */
const DERIVED: readonly Route[] = [];

const byDevices = memoByPair((addrs: readonly FibAddr[], devices: readonly NetDevice[]) =>
  memoByPair(
    (routes: readonly Route[], rules: readonly PolicyRule[]) => new Fib({ family: 'ipv4', routes: routes === DERIVED ? null : routes, rules, addrs, devices }),
  ),
);

/** The IPv4 routing of a node; equal input objects give the very same Fib. */
export function compileFib(input: FibInput): Fib {
  return byDevices(input.addrs, input.devices)(input.routes ?? DERIVED, input.rules ?? defaultRules('ipv4'));
}
