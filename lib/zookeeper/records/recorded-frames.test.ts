import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Reader } from "../../bytes/reader.ts";
import { Writer } from "../../bytes/writer.ts";
import { decodeReplyHeader, decodeRequestHeader, encodeReplyHeader, encodeRequestHeader } from "./header.ts";
import { opcodes } from "./opcodes.ts";
import { codecs } from "./testing/codecs.ts";

/** See scripts/record-zookeeper-frames.ts. */
interface RecordedFrame {
  readonly client: "crossidc" | "node-zookeeper-client";
  readonly from: "client" | "server";
  readonly opcode: number | "connect" | "ping" | "event";
  readonly bytes: string;
}

type CodecName = keyof typeof codecs;

/** What follows the header, by opcode; undefined: nothing. */
const bodies: Record<string, { client: CodecName | undefined; server: CodecName | undefined }> = {
  [opcodes.create]: { client: "createRequest", server: "createResponse" },
  [opcodes.delete]: { client: "deleteRequest", server: undefined },
  [opcodes.exists]: { client: "pathRequest", server: "existsResponse" },
  [opcodes.getData]: { client: "pathRequest", server: "getDataResponse" },
  [opcodes.setData]: { client: "setDataRequest", server: "setDataResponse" },
  [opcodes.getAcl]: { client: "getAclRequest", server: "getAclResponse" },
  [opcodes.setAcl]: { client: "setAclRequest", server: "setAclResponse" },
  [opcodes.sync]: { client: "sync", server: "sync" },
  [opcodes.getChildren2]: { client: "pathRequest", server: "getChildren2Response" },
  [opcodes.multi]: { client: "multiRequest", server: "multiResponse" },
  [opcodes.create2]: { client: "createRequest", server: "create2Response" },
  [opcodes.multiRead]: { client: "multiReadRequest", server: "multiReadResponse" },
  [opcodes.auth]: { client: "authRequest", server: undefined },
  [opcodes.setWatches2]: { client: "setWatches2Request", server: undefined },
  [opcodes.addWatch]: { client: "addWatchRequest", server: "addWatchResponse" },
  [opcodes.whoAmI]: { client: undefined, server: "whoAmIResponse" },
  [opcodes.closeSession]: { client: undefined, server: undefined },
  ping: { client: undefined, server: undefined },
  event: { client: undefined, server: "watcherEvent" },
};

describe.each(["3.8", "3.9"])("frames recorded from ZooKeeper %s", (version) => {
  const file = new URL(`../../../test/fixtures/frames/zookeeper-${version}.jsonl`, import.meta.url);
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const frames = lines.map((line) => JSON.parse(line) as RecordedFrame);

  test("the head names the server and the command", () => {
    expect(JSON.parse(head ?? "")).toMatchObject({
      server: expect.stringContaining(version),
      command: `node scripts/record-zookeeper-frames.ts ${version}`,
    });
  });

  test.each(frames.map((frame, i) => ({ ...frame, line: i + 2 })))(
    "line $line, $opcode from the $from of $client, decodes and encodes to itself",
    (frame) => {
      const bytes = Buffer.from(frame.bytes, "hex");
      expect(reencoded(frame, bytes).toString("hex")).toBe(frame.bytes);
    },
  );

  test("every record is among them, from both sides", () => {
    const seen = new Set(frames.map(({ from, opcode }) => `${opcode} ${from}`));
    for (const opcode of Object.keys(bodies)) {
      if (opcode !== "event") expect(seen).toContain(`${opcode} client`);
      expect(seen).toContain(`${opcode} server`);
    }
  });
});

function reencoded(frame: RecordedFrame, bytes: Buffer): Buffer {
  const reader = new Reader(bytes);
  const writer = new Writer({ bytesMax: 1_000_000 });
  const name = codecOf(frame, reader, writer);
  if (name !== undefined) codecs[name].encode(writer, codecs[name].decode(reader));
  return writer.bytes;
}

/** Copies the header, and says what follows it. */
function codecOf({ from, opcode }: RecordedFrame, reader: Reader, writer: Writer): CodecName | undefined {
  if (opcode === "connect") return from === "client" ? "connectRequest" : "connectResponse";
  const body = bodies[opcode]?.[from];
  if (from === "client") {
    encodeRequestHeader(writer, decodeRequestHeader(reader));
    return body;
  }
  const header = decodeReplyHeader(reader);
  encodeReplyHeader(writer, header);
  return header.err === 0 ? body : undefined;
}
