export function inInt32(value: number): boolean {
  return (value | 0) === value;
}

export function inInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

const shownCharactersMax = 80;

/** Of a peer's text, what an error shows. */
export function shorten(text: string): string {
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;
}
