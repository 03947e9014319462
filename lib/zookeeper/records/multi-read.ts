import { DecodeError, type Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { ReadRequest, ReadResult } from "../zookeeper.ts";
import { decodeChildren, encodeChildren } from "./get-children.ts";
import { encodeGetDataResponse } from "./get-data.ts";
import { decodeMultiHeader, encodeMultiEnd, encodeMultiHeader } from "./multi-header.ts";
import { opcodes } from "./opcodes.ts";
import { decodePathRequest, encodePathRequest } from "./path-request.ts";
import { decodeStat } from "./stat.ts";

const typeOf = { data: opcodes.getData, children: opcodes.getChildren, error: opcodes.error } as const;

/**
 * MultiRead request.  for each read: MultiHeader (4 getData or 8 getChildren, false, -1) | path string | watch bool = false;
 * then the end header.  Servers from 3.6 on.
 * @source ZooKeeper 3.9 MultiOperationRecord
 */
export function encodeMultiReadRequest(writer: Writer, requests: readonly ReadRequest[]): void {
  for (const request of requests) {
    encodeMultiHeader(writer, { type: typeOf[request.kind], err: -1 });
    encodePathRequest(writer, request.path);
  }
  encodeMultiEnd(writer);
}

export function decodeMultiReadRequest(reader: Reader): ReadRequest[] {
  const requests: ReadRequest[] = [];
  for (;;) {
    const type = decodeMultiHeader(reader);
    switch (type) {
      case "end":
        return requests;
      case opcodes.getData:
        requests.push({ kind: "data", path: decodePathRequest(reader) });
        break;
      case opcodes.getChildren:
        requests.push({ kind: "children", path: decodePathRequest(reader) });
        break;
      default:
        throw new DecodeError(`A multiRead holds a read of type ${type}`);
    }
  }
}

/**
 * MultiRead response.  for each read: MultiHeader (type, false, err) | its body: 4 data buffer and Stat, 8 children vector,
 * -1 error code i32; then the end header
 * @source ZooKeeper 3.9 MultiResponse
 */
export function encodeMultiReadResponse(writer: Writer, results: readonly ReadResult[]): void {
  for (const result of results) {
    encodeMultiHeader(writer, { type: typeOf[result.kind], err: result.kind === "error" ? result.code : 0 });
    switch (result.kind) {
      case "data":
        encodeGetDataResponse(writer, result);
        break;
      case "children":
        encodeChildren(writer, result.children);
        break;
      case "error":
        writer.i32(result.code);
        break;
    }
  }
  encodeMultiEnd(writer);
}

export function decodeMultiReadResponse(reader: Reader): ReadResult[] {
  const results: ReadResult[] = [];
  for (;;) {
    const type = decodeMultiHeader(reader);
    switch (type) {
      case "end":
        return results;
      case opcodes.getData:
        results.push({ kind: "data", data: reader.buffer(), stat: decodeStat(reader) });
        break;
      case opcodes.getChildren:
        results.push({ kind: "children", children: decodeChildren(reader) });
        break;
      case opcodes.error:
        results.push({ kind: "error", code: reader.i32() });
        break;
      default:
        throw new DecodeError(`The answer to a multiRead holds a result of type ${type}`);
    }
  }
}
