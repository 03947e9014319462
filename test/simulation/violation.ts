/** A link did what it must never do. */
export class Violation extends Error {}
