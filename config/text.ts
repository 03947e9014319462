/** The text of UTF-8 bytes, without a byte order mark; or the text before the first byte that is none. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string } | { readonly readable: string } {
  const text = decodePrefix(bytes, bytes.length, false);
  if (text !== undefined) return { text };
  // Whether a prefix can be decoded falls from yes to no once: bisect.
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (decodePrefix(bytes, middle, true) === undefined) bad = middle;
    else good = middle;
  }
  return { readable: decodePrefix(bytes, good, true) ?? "" };
}

/** @param stream the prefix may end inside a character */
function decodePrefix(bytes: Uint8Array, length: number, stream: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream });
  } catch {
    return undefined;
  }
}
