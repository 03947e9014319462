/** The header in which idcctl names who calls: whatever name its machine has for him. For logs, not for rights. */
export const whoHeader = "x-crossidc-who";

const whoCharsMax = 100;

/** As a header can carry it. */
export function writeWho(who: string): string {
  return encodeURIComponent(who.slice(0, whoCharsMax));
}

/** "" where none, or nothing readable, was sent. */
export function readWho(header: string | readonly string[] | undefined): string {
  if (typeof header !== "string") return "";
  try {
    // Anybody may send anything: what would end a line of a log or a table is no name.
    return decodeURIComponent(header).replace(/\p{C}/gu, "").slice(0, whoCharsMax);
  } catch {
    return "";
  }
}
