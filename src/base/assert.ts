/** Our own bug, never a property of the input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`netfilter-sim bug: ${message}`);
}

export function assertNever(x: never, message = 'unexpected value'): never {
  throw new Error(`netfilter-sim bug: ${message}: ${JSON.stringify(x)}`);
}
