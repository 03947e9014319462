import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { requestCodes } from "../codes.ts";
import { RemotingError } from "../errors.ts";
import { parseFastjson } from "../fastjson.ts";
import { decodeFrame, encodeFrame, type Frame, frameLimits } from "../frame.ts";
import { received } from "../testing/frames.ts";
import { codecs } from "./testing/codecs.ts";

/** The header as it was parsed, in the order of the wire; the body as text. */
interface RecordedFrame {
  readonly source: string;
  readonly link: string;
  readonly dir: string;
  readonly requestCode?: number;
  /** Of scripted ones: what was asked, beginning with the request's code. */
  readonly label?: string;
  readonly header: {
    readonly code: number;
    readonly flag: number;
    readonly language: string;
    readonly extFields?: Record<string, string>;
    readonly remark?: string;
  };
  readonly body?: string;
}

type CodecName = keyof typeof codecs;

/** By request code; undefined: a message that is not spoken here, or that says nothing. */
const names: Record<number, { request: CodecName | undefined; response: CodecName | undefined }> = {
  [requestCodes.REGISTER_BROKER]: { request: undefined, response: undefined },
  [requestCodes.GET_ROUTEINFO_BY_TOPIC]: { request: "getRouteInfoRequest", response: "getRouteInfoResponse" },
  [requestCodes.GET_BROKER_CLUSTER_INFO]: {
    request: "getBrokerClusterInfoRequest",
    response: "getBrokerClusterInfoResponse",
  },
  [requestCodes.BROKER_HEARTBEAT]: { request: "brokerHeartbeatRequest", response: undefined },
  [requestCodes.CONTROLLER_ALTER_SYNC_STATE_SET]: {
    request: "alterSyncStateSetRequest",
    response: "alterSyncStateSetResponse",
  },
  [requestCodes.CONTROLLER_ELECT_MASTER]: { request: "electMasterRequest", response: "electMasterResponse" },
  [requestCodes.CONTROLLER_REGISTER_BROKER]: { request: "registerBrokerRequest", response: "registerBrokerResponse" },
  [requestCodes.CONTROLLER_GET_REPLICA_INFO]: { request: "getReplicaInfoRequest", response: "getReplicaInfoResponse" },
  [requestCodes.CONTROLLER_GET_METADATA_INFO]: {
    request: "getMetadataInfoRequest",
    response: "getMetadataInfoResponse",
  },
  [requestCodes.CONTROLLER_GET_SYNC_STATE_DATA]: {
    request: "getSyncStateDataRequest",
    response: "getSyncStateDataResponse",
  },
  [requestCodes.GET_BROKER_EPOCH_CACHE]: {
    request: "getBrokerEpochCacheRequest",
    response: "getBrokerEpochCacheResponse",
  },
  [requestCodes.NOTIFY_BROKER_ROLE_CHANGED]: { request: "notifyBrokerRoleChangedRequest", response: undefined },
  [requestCodes.CLEAN_BROKER_DATA]: { request: "cleanBrokerDataRequest", response: "cleanBrokerDataResponse" },
  [requestCodes.CONTROLLER_GET_NEXT_BROKER_ID]: {
    request: "getNextBrokerIdRequest",
    response: "getNextBrokerIdResponse",
  },
  [requestCodes.CONTROLLER_APPLY_BROKER_ID]: { request: "applyBrokerIdRequest", response: "applyBrokerIdResponse" },
};

const file = new URL("../../../test/fixtures/frames/rocketmq-controller-5.3.jsonl", import.meta.url);
const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
const recorded = lines.map((line, i) => {
  const frame = JSON.parse(line) as RecordedFrame;
  return { ...frame, line: i + 2, asked: frame.requestCode ?? Number(/\b\d+/.exec(frame.label ?? "")?.[0]) };
});

test("the head names the server, and how the frames were taken", () => {
  expect(JSON.parse(head ?? "")).toMatchObject({ server: "5.3.3", command: expect.any(String) });
});

describe.each(recorded)("line $line, $asked $dir", (each) => {
  const bytes = bytesOf(each);
  const frame = decoded(bytes);

  test("the frame encodes to itself", () => {
    const again = encodeFrame(frame, frameLimits);
    if (isStock(each)) expect(again.toString("latin1")).toBe(bytes.toString("latin1"));
    else expect(decoded(again)).toEqual(frame);
  });

  test("with a binary header it is the same", () => {
    const binary: Frame = { ...frame, serialize: "rocketmq" };
    expect(decoded(encodeFrame(binary, frameLimits))).toEqual(binary);
  });

  test("the record reads it, and writes the same fields and body", () => {
    const name = names[each.asked]?.[frame.isResponse ? "response" : "request"];
    if (name === undefined) {
      expect(names).toHaveProperty(String(each.asked));
      return;
    }
    const codec = codecs[name];
    if (isRefusal(each)) {
      expect(() => codec.decode(frame)).toThrow(RemotingError);
      return;
    }
    const value = codec.decode(frame);
    const written = received(codec.encode(value));
    expect(written.code).toBe(frame.code);
    if (name === "getRouteInfoRequest") expect(written.fields).toMatchObject({ topic: frame.fields["topic"] });
    else expect(written.fields).toEqual(frame.fields);
    if (frame.code !== 17) expect(json(written.body)).toEqual(json(frame.body));
  });
});

test("every controller request is among them, and every answer that has a content", () => {
  const seen = new Set(
    recorded.filter((each) => !isRefusal(each)).map(({ asked, header }) => `${asked} ${header.flag & 1}`),
  );
  for (const [code, { request, response }] of Object.entries(names)) {
    if (request !== undefined) expect(seen).toContain(`${code} 0`);
    if (response !== undefined && Number(code) !== requestCodes.GET_BROKER_EPOCH_CACHE) {
      expect(seen).toContain(`${code} 1`);
    }
  }
});

function bytesOf({ header, body = "" }: RecordedFrame): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeInt32BE(4 + text.length + Buffer.byteLength(body), 0);
  prefix.writeUIntBE(text.length, 5, 3);
  return Buffer.concat([prefix, text, Buffer.from(body)]);
}

function decoded(bytes: Buffer): Frame {
  const result = decodeFrame(bytes, frameLimits);
  if (result.kind !== "frame" || result.used !== bytes.length) throw new Error("the frame is not whole");
  return result.frame;
}

/** As Java writes it. We leave out fields that are there and empty. */
function isStock({ header }: RecordedFrame): boolean {
  return header.language === "JAVA" && (header.extFields === undefined || Object.keys(header.extFields).length > 0);
}

const goodCodes = [0, 17, 2011];

function isRefusal({ header }: RecordedFrame): boolean {
  return (header.flag & 1) === 1 && !goodCodes.includes(header.code);
}

function json(body: Uint8Array): unknown {
  return body.length === 0 ? undefined : parseFastjson(body);
}
