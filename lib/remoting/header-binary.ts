import { DecodeError, Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { type Fields, flagOf, fromFlag, type Header } from "./header.ts";

/**
 * Binary header.  code i16 | language u8 | version i16 | opaque i32 | flag i32 | remark string | fields length i32 | fields
 * Field.  name length i16 | name | value string.  An empty remark is no remark.
 * @source RocketMQ 5.3.3 RocketMQSerializable
 * @throws {DecodeError}
 */
export function decodeBinaryHeader(bytes: Buffer): Header {
  const reader = new Reader(bytes);
  const code = reader.i16();
  const language = languages[reader.u8()] ?? "OTHER";
  const version = reader.i16();
  const opaque = reader.i32();
  const flag = reader.i32();
  const remark = reader.string();
  const fieldsBytes = reader.i32();
  if (fieldsBytes !== reader.remaining) {
    throw new DecodeError(
      `The frame's header has ${fieldsBytes} bytes of fields, but ${reader.remaining} bytes follow`,
    );
  }
  return {
    code,
    language,
    version,
    opaque,
    ...fromFlag(flag),
    remark: remark === "" ? undefined : remark,
    fields: decodeFields(reader),
  };
}

/** @throws {EncodeLimitError} */
export function encodeBinaryHeader(header: Header, options: { bytesMax: number }): Buffer {
  const { code, language, version, opaque, remark = "", fields } = header;
  const writer = new Writer(options);
  writer.i16(code);
  writer.u8(languages.includes(language) ? languages.indexOf(language) : languages.indexOf("OTHER"));
  writer.i16(version);
  writer.i32(opaque);
  writer.i32(flagOf(header));
  writer.string(remark);
  const fieldsAt = writer.bytes.length;
  writer.i32(0);
  for (const [name, value] of Object.entries(fields)) {
    const bytes = Buffer.from(name);
    writer.i16(bytes.length);
    writer.raw(bytes);
    writer.string(value);
  }
  writer.overwriteI32(fieldsAt, writer.bytes.length - fieldsAt - 4);
  return writer.bytes;
}

function decodeFields(reader: Reader): Fields {
  const fields: [string, string][] = [];
  while (reader.remaining > 0) fields.push([reader.text(reader.i16()), reader.string()]);
  return Object.fromEntries(fields);
}

/** By their number. @source RocketMQ 5.3.3 LanguageCode */
const languages = [
  "JAVA",
  "CPP",
  "DOTNET",
  "PYTHON",
  "DELPHI",
  "ERLANG",
  "RUBY",
  "OTHER",
  "HTTP",
  "GO",
  "PHP",
  "OMS",
  "RUST",
  "NODE_JS",
];
