import { decodeUtf8 } from "./value.ts";

/**
 * The text that a key or a value stands for; undefined when a \u is not followed by four hexadecimal digits. Bytes are read
 * as UTF-8, as ISO-8859-1 where they are not valid UTF-8.
 */
export function readEscapes(raw: Uint8Array): string | undefined {
  const text = ascii(raw) ?? decodeUtf8(raw) ?? latin1(raw);
  if (!text.includes("\\")) return text;
  let malformed = false;
  const read = text.replace(
    /\\(?:u([0-9a-fA-F]{4})|(\r\n|\r|\n)[ \t\f]*|([\s\S])|$)/g,
    (_, code?: string, continued?: string, letter?: string) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      if (continued !== undefined || letter === undefined) return "";
      if (letter === "u") malformed = true;
      return letterEscapes.get(letter) ?? letter;
    },
  );
  return malformed ? undefined : read;
}

/** Escapes as Properties.store does where the old value was escaped like that, else only what would be read wrong. Gives ASCII.
 * `old` is undefined where it has no escape. */
export function writeEscapes(text: string, old: Uint8Array | undefined): Uint8Array {
  const special = old !== undefined && hasStoreEscape(old) ? storeSpecial : readSpecial;
  const written = text.search(special) < 0 ? text : text.replace(special, writeEscape);
  const bytes = new Uint8Array(written.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = written.charCodeAt(at);
  return bytes;
}

const readSpecial = /^ |[\\]|[^ -~]/g;
const storeSpecial = /^ |[\\:=#!]|[^ -~]/g;

function writeEscape(character: string): string {
  for (const [letter, meant] of letterEscapes) if (meant === character) return `\\${letter}`;
  if (character >= " " && character <= "~") return `\\${character}`;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const letterEscapes = new Map([
  ["t", "\t"],
  ["n", "\n"],
  ["r", "\r"],
  ["f", "\f"],
]);

function hasStoreEscape(raw: Uint8Array): boolean {
  return /\\[:=#!]/.test(latin1(raw));
}

/** Names and addresses are short ASCII almost always, for which a decoder costs more than a loop. */
function ascii(bytes: Uint8Array): string | undefined {
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
