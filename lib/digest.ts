import { createHash } from "node:crypto";

/** SHA-256 of a text's UTF-8 bytes, in hex. The same text is the same digest: cores may use it. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
