/** Crashes on a broken invariant: our own fault, so the process must not go on with it. `what` says what must hold. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantBroken(what);
}

class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}
