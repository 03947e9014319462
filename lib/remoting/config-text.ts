import { DecodeError } from "../bytes/reader.ts";
import { shorten } from "./numbers.ts";
import type { Properties } from "./properties.ts";

/**
 * Settings text, as brokers and controllers show their settings: a line `name=value` for each, and nothing is escaped. What they
 * take is a properties text.
 * @source RocketMQ 5.3.3 MixAll.properties2String
 */
export function encodeSettings(settings: Properties): Uint8Array {
  return Buffer.from([...settings].map(([name, value]) => `${name}=${value}\n`).join(""));
}

/** @throws {DecodeError} when a line has no name */
export function decodeSettings(body: Uint8Array): Properties {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const settings = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const at = line.indexOf("=");
    if (at < 1)
      throw new DecodeError(`A line of the settings is ${JSON.stringify(shorten(line))}, where name=value was due`);
    settings.set(line.slice(0, at), line.slice(at + 1));
  }
  return settings;
}
