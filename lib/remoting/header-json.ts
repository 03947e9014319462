import { DecodeError } from "../bytes/reader.ts";
import { messageOf } from "../errors.ts";
import { type Fields, flagOf, fromFlag, type Header } from "./header.ts";

/**
 * JSON header.  {code, extFields?: {text: text}, flag, language, opaque, remark?, serializeTypeCurrentRPC: "JSON", version}
 * @source RocketMQ 5.3.3 RemotingCommand, RemotingSerializable
 * @throws {DecodeError}
 */
export function decodeJsonHeader(bytes: Buffer): Header {
  const header = parse(bytes);
  const flag = int32(header, "flag", 0);
  const { language = "JAVA", remark } = header;
  if (typeof language !== "string") throw misfit("language", language, "text");
  if (remark !== undefined && remark !== null && typeof remark !== "string") throw misfit("remark", remark, "text");
  return {
    code: int32(header, "code"),
    language,
    version: int32(header, "version", 0),
    opaque: int32(header, "opaque"),
    ...fromFlag(flag),
    remark: remark ?? undefined,
    fields: fieldsOf(header["extFields"]),
  };
}

/** In the order in which stock peers write it. */
export function encodeJsonHeader(header: Header): Buffer {
  const { code, fields, language, opaque, remark, version } = header;
  const text = JSON.stringify({
    code,
    extFields: isEmpty(fields) ? undefined : fields,
    flag: flagOf(header),
    language,
    opaque,
    remark,
    serializeTypeCurrentRPC: "JSON",
    version,
  });
  return Buffer.from(text);
}

function parse(bytes: Buffer): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new DecodeError(`From byte 8 of the frame its header is no JSON: ${messageOf(error)}`);
  }
  if (!isObject(header)) throw new DecodeError("From byte 8 of the frame its header is JSON, but no object");
  return header;
}

function fieldsOf(extFields: unknown): Fields {
  if (extFields === undefined || extFields === null) return noFields;
  if (!isObject(extFields)) throw misfit("extFields", extFields, "an object");
  const isAllText = Object.values(extFields).every((value) => typeof value === "string");
  return isAllText ? (extFields as Fields) : textFields(extFields);
}

/** Other clients than the stock ones are known to send numbers and booleans. What is null was left out. */
function textFields(extFields: Record<string, unknown>): Fields {
  const fields: [string, string][] = [];
  for (const [name, value] of Object.entries(extFields)) {
    if (typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value)) {
      fields.push([name, String(value)]);
    } else if (value !== null) throw misfit(`extFields.${name}`, value, "text");
  }
  return Object.fromEntries(fields);
}

const noFields: Fields = Object.freeze({});

function isEmpty(fields: Fields): boolean {
  for (const _name in fields) return false;
  return true;
}

function int32(header: Record<string, unknown>, name: string, otherwise?: number): number {
  const value = header[name] ?? otherwise;
  if (typeof value !== "number" || (value | 0) !== value) throw misfit(name, value, "a number of 32 bits");
  return value;
}

function misfit(name: string, value: unknown, due: string): DecodeError {
  const shown = JSON.stringify(value)?.slice(0, shownCharactersMax) ?? "missing";
  return new DecodeError(`In the frame's header "${name}" is ${shown}, where ${due} was due`);
}

const shownCharactersMax = 80;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
