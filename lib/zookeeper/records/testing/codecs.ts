import fc from "fast-check";
import { Reader } from "../../../bytes/reader.ts";
import { Writer } from "../../../bytes/writer.ts";
import type { Acl, ReadRequest, Stat, WatchEventKind, WriteOp, Zxid } from "../../zookeeper.ts";
import {
  decodeAddWatchRequest,
  decodeAddWatchResponse,
  encodeAddWatchRequest,
  encodeAddWatchResponse,
} from "../add-watch.ts";
import { decodeAuthRequest, encodeAuthRequest } from "../auth.ts";
import {
  decodeConnectRequest,
  decodeConnectResponse,
  encodeConnectRequest,
  encodeConnectResponse,
} from "../connect.ts";
import { decodeCreateRequest, decodeCreateResponse, encodeCreateRequest, encodeCreateResponse } from "../create.ts";
import { decodeCreate2Response, encodeCreate2Response } from "../create2.ts";
import { decodeDeleteRequest, encodeDeleteRequest } from "../delete.ts";
import { decodeExistsResponse, encodeExistsResponse } from "../exists.ts";
import { decodeGetAclRequest, decodeGetAclResponse, encodeGetAclRequest, encodeGetAclResponse } from "../get-acl.ts";
import { decodeGetChildren2Response, encodeGetChildren2Response } from "../get-children2.ts";
import { decodeGetDataResponse, encodeGetDataResponse } from "../get-data.ts";
import { decodeReplyHeader, decodeRequestHeader, encodeReplyHeader, encodeRequestHeader } from "../header.ts";
import {
  decodeMultiRequest,
  decodeMultiResponse,
  encodeMultiRequest,
  encodeMultiResponse,
  type MultiResult,
} from "../multi.ts";
import {
  decodeMultiReadRequest,
  decodeMultiReadResponse,
  encodeMultiReadRequest,
  encodeMultiReadResponse,
} from "../multi-read.ts";
import { decodePathRequest, encodePathRequest } from "../path-request.ts";
import { decodeSetAclRequest, decodeSetAclResponse, encodeSetAclRequest, encodeSetAclResponse } from "../set-acl.ts";
import {
  decodeSetDataRequest,
  decodeSetDataResponse,
  encodeSetDataRequest,
  encodeSetDataResponse,
} from "../set-data.ts";
import { decodeSetWatches2Request, encodeSetWatches2Request } from "../set-watches2.ts";
import { decodeSync, encodeSync } from "../sync.ts";
import { decodeWatcherEvent, encodeWatcherEvent } from "../watcher-event.ts";
import { decodeWhoAmIResponse, encodeWhoAmIResponse } from "../who-am-i.ts";

/** One side of one record: how to write it, how to read it, what it may hold. */
export interface Codec<T> {
  encode(writer: Writer, value: T): void;
  decode(reader: Reader): T;
  readonly values: fc.Arbitrary<T>;
}

const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const zxid = i64.map((value) => value as Zxid);
const path = fc.string({ unit: "grapheme", maxLength: 60 });
const bytes = fc.uint8Array({ maxLength: 300 });
const data = fc.option(bytes);
const password = fc.uint8Array({ minLength: 16, maxLength: 16 });
const acl: fc.Arbitrary<Acl[]> = fc.array(fc.record({ perms: i32, scheme: path, id: path }), { maxLength: 4 });
const names = fc.array(path, { maxLength: 10 });
const stat: fc.Arbitrary<Stat> = fc.record({
  czxid: zxid,
  mzxid: zxid,
  ctime: i64,
  mtime: i64,
  version: i32,
  cversion: i32,
  aversion: i32,
  ephemeralOwner: i64,
  dataLength: i32,
  numChildren: i32,
  pzxid: zxid,
});
const newNode = { path, data, acl, ephemeral: fc.boolean(), sequential: fc.boolean() };
const kind = <T extends string>(name: T) => fc.constant(name);
const error = fc.record({ kind: kind("error"), code: i32 });

const writeOp: fc.Arbitrary<WriteOp> = fc.oneof(
  fc.record({ kind: kind("create"), ...newNode }),
  fc.record({ kind: kind("set"), path, data, version: i32 }),
  fc.record({ kind: kind("delete"), path, version: i32 }),
  fc.record({ kind: kind("check"), path, version: i32 }),
);
const multiResult: fc.Arbitrary<MultiResult> = fc.oneof(
  fc.record({ kind: kind("create"), path }),
  fc.record({ kind: kind("set"), stat }),
  fc.record({ kind: kind("delete") }),
  fc.record({ kind: kind("check") }),
  error,
);
const readRequest: fc.Arbitrary<ReadRequest> = fc.record({ kind: fc.constantFrom("data", "children"), path });
const readResult = fc.oneof(
  fc.record({ kind: kind("data"), data, stat }),
  fc.record({ kind: kind("children"), children: names }),
  error,
);

/** All that goes over the wire, each side under its own name. */
export const codecs = {
  requestHeader: side({
    encode: encodeRequestHeader,
    decode: decodeRequestHeader,
    values: fc.record({ xid: i32, opcode: i32 }),
  }),
  replyHeader: side({
    encode: encodeReplyHeader,
    decode: decodeReplyHeader,
    values: fc.record({ xid: i32, zxid, err: i32 }),
  }),
  connectRequest: side({
    encode: encodeConnectRequest,
    decode: decodeConnectRequest,
    values: fc.record({ lastZxidSeen: zxid, sessionTimeoutMs: i32, sessionId: i64, password }),
  }),
  connectResponse: side({
    encode: encodeConnectResponse,
    decode: decodeConnectResponse,
    values: fc.record({ sessionTimeoutMs: i32, sessionId: i64, password, readOnly: fc.boolean() }),
  }),
  authRequest: side({
    encode: encodeAuthRequest,
    decode: decodeAuthRequest,
    values: fc.record({ scheme: path, credential: bytes }),
  }),
  watcherEvent: side({
    encode: encodeWatcherEvent,
    decode: decodeWatcherEvent,
    values: fc.record({
      kind: fc.constantFrom<WatchEventKind[]>("created", "deleted", "dataChanged", "childrenChanged"),
      path,
    }),
  }),
  pathRequest: side({ encode: encodePathRequest, decode: decodePathRequest, values: path }),
  existsResponse: side({ encode: encodeExistsResponse, decode: decodeExistsResponse, values: stat }),
  getDataResponse: side({
    encode: encodeGetDataResponse,
    decode: decodeGetDataResponse,
    values: fc.record({ data, stat }),
  }),
  getChildren2Response: side({
    encode: encodeGetChildren2Response,
    decode: decodeGetChildren2Response,
    values: fc.record({ children: names, stat }),
  }),
  getAclRequest: side({ encode: encodeGetAclRequest, decode: decodeGetAclRequest, values: path }),
  getAclResponse: side({
    encode: encodeGetAclResponse,
    decode: decodeGetAclResponse,
    values: fc.record({ acl, stat }),
  }),
  setAclRequest: side({
    encode: encodeSetAclRequest,
    decode: decodeSetAclRequest,
    values: fc.record({ path, acl, aversion: i32 }),
  }),
  setAclResponse: side({ encode: encodeSetAclResponse, decode: decodeSetAclResponse, values: stat }),
  createRequest: side({ encode: encodeCreateRequest, decode: decodeCreateRequest, values: fc.record(newNode) }),
  createResponse: side({ encode: encodeCreateResponse, decode: decodeCreateResponse, values: path }),
  create2Response: side({
    encode: encodeCreate2Response,
    decode: decodeCreate2Response,
    values: fc.record({ path, stat }),
  }),
  setDataRequest: side({
    encode: encodeSetDataRequest,
    decode: decodeSetDataRequest,
    values: fc.record({ path, data, version: i32 }),
  }),
  setDataResponse: side({ encode: encodeSetDataResponse, decode: decodeSetDataResponse, values: stat }),
  deleteRequest: side({
    encode: encodeDeleteRequest,
    decode: decodeDeleteRequest,
    values: fc.record({ path, version: i32 }),
  }),
  multiRequest: side({
    encode: encodeMultiRequest,
    decode: decodeMultiRequest,
    values: fc.array(writeOp, { maxLength: 8 }),
  }),
  multiResponse: side({
    encode: encodeMultiResponse,
    decode: decodeMultiResponse,
    values: fc.array(multiResult, { maxLength: 8 }),
  }),
  multiReadRequest: side({
    encode: encodeMultiReadRequest,
    decode: decodeMultiReadRequest,
    values: fc.array(readRequest, { maxLength: 8 }),
  }),
  multiReadResponse: side({
    encode: encodeMultiReadResponse,
    decode: decodeMultiReadResponse,
    values: fc.array(readResult, { maxLength: 8 }),
  }),
  sync: side({ encode: encodeSync, decode: decodeSync, values: path }),
  whoAmIResponse: side({
    encode: encodeWhoAmIResponse,
    decode: decodeWhoAmIResponse,
    values: fc.array(fc.record({ scheme: path, id: path }), { maxLength: 4 }),
  }),
  addWatchRequest: side({
    encode: encodeAddWatchRequest,
    decode: decodeAddWatchRequest,
    values: fc.record({ path, recursive: fc.boolean() }),
  }),
  addWatchResponse: side({ encode: encodeAddWatchResponse, decode: decodeAddWatchResponse, values: i32 }),
  setWatches2Request: side({
    encode: encodeSetWatches2Request,
    decode: decodeSetWatches2Request,
    values: fc.record({ relativeZxid: zxid, persistent: names, persistentRecursive: names }),
  }),
};

/** Checks that both directions and the values agree on one type, and forgets it: a test takes all codecs alike. */
function side<T>(codec: Codec<T>): Codec<unknown> {
  return codec;
}

const bytesMax = 1_000_000;

export function encode<T>(codec: Codec<T>, value: T): Buffer {
  const writer = new Writer({ bytesMax });
  codec.encode(writer, value);
  return writer.bytes;
}

export function decode<T>(codec: Codec<T>, frame: Uint8Array): T {
  return codec.decode(new Reader(frame));
}
