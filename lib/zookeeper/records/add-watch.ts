import { DecodeError, type Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

export interface AddWatchRequest {
  readonly path: string;
  readonly recursive: boolean;
}

const persistentMode = 0;
const persistentRecursiveMode = 1;

/**
 * AddWatch request.  path string | mode i32: 0 persistent, 1 persistent recursive
 * Servers from 3.6 on.
 * @source ZooKeeper 3.9 AddWatchRequest, zookeeper.jute; modes: AddWatchMode
 */
export function encodeAddWatchRequest(writer: Writer, request: AddWatchRequest): void {
  writer.string(request.path);
  writer.i32(request.recursive ? persistentRecursiveMode : persistentMode);
}

export function decodeAddWatchRequest(reader: Reader): AddWatchRequest {
  const path = reader.string();
  const mode = reader.i32();
  if (mode !== persistentMode && mode !== persistentRecursiveMode) {
    throw new DecodeError(`The mode of a watch is ${mode}; known are 0 and 1`);
  }
  return { path, recursive: mode === persistentRecursiveMode };
}

/**
 * AddWatch response.  err i32, as in the reply header
 * @source ZooKeeper 3.9 ErrorResponse, zookeeper.jute; FinalRequestProcessor
 */
export function encodeAddWatchResponse(writer: Writer, err: number): void {
  writer.i32(err);
}

export function decodeAddWatchResponse(reader: Reader): number {
  return reader.i32();
}
