import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Acl, NodeData } from "../zookeeper.ts";
import { decodeAcl, encodeAcl } from "./acl.ts";

export interface CreateRequest {
  readonly path: string;
  readonly data: NodeData;
  readonly acl: readonly Acl[];
  readonly ephemeral: boolean;
  readonly sequential: boolean;
}

/** As a multi's op has it: persistent and with the path's own name, unless it says otherwise. */
type NewNode = Omit<CreateRequest, "ephemeral" | "sequential"> & {
  readonly ephemeral?: boolean;
  readonly sequential?: boolean;
};

const ephemeralFlag = 1;
const sequentialFlag = 2;

/**
 * Create request, alone (create2) and within a multi (create).
 * path string | data buffer | acl vector | flags i32: 1 ephemeral, 2 sequential
 * @source ZooKeeper 3.9 CreateRequest, zookeeper.jute; flags: CreateMode
 */
export function encodeCreateRequest(writer: Writer, request: NewNode): void {
  writer.string(request.path);
  writer.buffer(request.data);
  encodeAcl(writer, request.acl);
  writer.i32((request.ephemeral ? ephemeralFlag : 0) | (request.sequential ? sequentialFlag : 0));
}

export function decodeCreateRequest(reader: Reader): CreateRequest {
  const path = reader.string();
  const data = reader.buffer();
  const acl = decodeAcl(reader);
  const flags = reader.i32();
  return { path, data, acl, ephemeral: (flags & ephemeralFlag) !== 0, sequential: (flags & sequentialFlag) !== 0 };
}

/**
 * Create response, only within a multi.  path string: the one asked for, with the counter appended to a sequential node
 * A multi has no Stat for a new node: the server takes create2 in it too, but answers create.
 * @source ZooKeeper 3.9 CreateResponse, zookeeper.jute; MultiOperationRecord.deserialize
 */
export function encodeCreateResponse(writer: Writer, path: string): void {
  writer.string(path);
}

export function decodeCreateResponse(reader: Reader): string {
  return reader.string();
}
