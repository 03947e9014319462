import { DecodeError, type Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { WriteOp, WriteResult } from "../zookeeper.ts";
import { decodeCheckRequest, encodeCheckRequest } from "./check.ts";
import { decodeCreateRequest, decodeCreateResponse, encodeCreateRequest, encodeCreateResponse } from "./create.ts";
import { decodeDeleteRequest, encodeDeleteRequest } from "./delete.ts";
import { decodeMultiHeader, encodeMultiEnd, encodeMultiHeader } from "./multi-header.ts";
import { opcodes } from "./opcodes.ts";
import {
  decodeSetDataRequest,
  decodeSetDataResponse,
  encodeSetDataRequest,
  encodeSetDataResponse,
} from "./set-data.ts";

/** One part of the answer. In a refused multi all parts are errors: 0 before the op that failed, -2 after it. */
export type MultiResult = WriteResult | { readonly kind: "error"; readonly code: number };

const typeOf = {
  create: opcodes.create,
  set: opcodes.setData,
  delete: opcodes.delete,
  check: opcodes.check,
  error: opcodes.error,
} as const;

/**
 * Multi request.  for each op: MultiHeader (type, false, -1) | the op's own request; then the end header
 * @source ZooKeeper 3.9 MultiOperationRecord
 */
export function encodeMultiRequest(writer: Writer, ops: readonly WriteOp[]): void {
  for (const op of ops) {
    encodeMultiHeader(writer, { type: typeOf[op.kind], err: -1 });
    switch (op.kind) {
      case "create":
        encodeCreateRequest(writer, op);
        break;
      case "set":
        encodeSetDataRequest(writer, op);
        break;
      case "delete":
        encodeDeleteRequest(writer, op);
        break;
      case "check":
        encodeCheckRequest(writer, op);
        break;
    }
  }
  encodeMultiEnd(writer);
}

export function decodeMultiRequest(reader: Reader): WriteOp[] {
  const ops: WriteOp[] = [];
  for (;;) {
    const type = decodeMultiHeader(reader);
    switch (type) {
      case "end":
        return ops;
      case opcodes.create:
        ops.push({ kind: "create", ...decodeCreateRequest(reader) });
        break;
      case opcodes.setData:
        ops.push({ kind: "set", ...decodeSetDataRequest(reader) });
        break;
      case opcodes.delete:
        ops.push({ kind: "delete", ...decodeDeleteRequest(reader) });
        break;
      case opcodes.check:
        ops.push({ kind: "check", ...decodeCheckRequest(reader) });
        break;
      default:
        throw new DecodeError(`A multi holds an op of type ${type}`);
    }
  }
}

/**
 * Multi response.  for each op: MultiHeader (type, false, err) | its body: create path, setData Stat, delete and
 * check nothing, error code i32; then the end header.  A refused multi has err 0 in the reply header too.
 * @source ZooKeeper 3.9 MultiResponse
 */
export function encodeMultiResponse(writer: Writer, results: readonly MultiResult[]): void {
  for (const result of results) {
    encodeMultiHeader(writer, { type: typeOf[result.kind], err: result.kind === "error" ? result.code : 0 });
    switch (result.kind) {
      case "create":
        encodeCreateResponse(writer, result.path);
        break;
      case "set":
        encodeSetDataResponse(writer, result.stat);
        break;
      case "delete":
      case "check":
        break;
      case "error":
        writer.i32(result.code);
        break;
    }
  }
  encodeMultiEnd(writer);
}

export function decodeMultiResponse(reader: Reader): MultiResult[] {
  const results: MultiResult[] = [];
  for (;;) {
    const type = decodeMultiHeader(reader);
    switch (type) {
      case "end":
        return results;
      case opcodes.create:
        results.push({ kind: "create", path: decodeCreateResponse(reader) });
        break;
      case opcodes.setData:
        results.push({ kind: "set", stat: decodeSetDataResponse(reader) });
        break;
      case opcodes.delete:
        results.push({ kind: "delete" });
        break;
      case opcodes.check:
        results.push({ kind: "check" });
        break;
      case opcodes.error:
        results.push({ kind: "error", code: reader.i32() });
        break;
      default:
        throw new DecodeError(`The answer to a multi holds a result of type ${type}`);
    }
  }
}
