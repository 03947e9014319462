import { DecodeError } from "../bytes/reader.ts";
import { errorCodes } from "./errors.ts";
import type { Chroot } from "./path.ts";
import { encodeAddWatchRequest } from "./records/add-watch.ts";
import { encodeCreateRequest } from "./records/create.ts";
import { type Create2Response, decodeCreate2Response } from "./records/create2.ts";
import { encodeDeleteRequest } from "./records/delete.ts";
import { decodeExistsResponse } from "./records/exists.ts";
import { decodeGetAclResponse, encodeGetAclRequest, type GetAclResponse } from "./records/get-acl.ts";
import { decodeGetChildren2Response, type GetChildren2Response } from "./records/get-children2.ts";
import { decodeGetDataResponse, type GetDataResponse } from "./records/get-data.ts";
import { decodeMultiResponse, encodeMultiRequest, type MultiResult } from "./records/multi.ts";
import { decodeMultiReadResponse, encodeMultiReadRequest } from "./records/multi-read.ts";
import { opcodes } from "./records/opcodes.ts";
import { encodePathRequest } from "./records/path-request.ts";
import { decodeSetAclResponse, encodeSetAclRequest } from "./records/set-acl.ts";
import { decodeSetDataResponse, encodeSetDataRequest } from "./records/set-data.ts";
import { encodeSync } from "./records/sync.ts";
import { decodeWhoAmIResponse, type Identity } from "./records/who-am-i.ts";
import type { Request } from "./request.ts";
import type { Watches } from "./watches.ts";
import type {
  Acl,
  MultiOutcome,
  NodeData,
  ReadRequest,
  ReadResult,
  Stat,
  WriteOp,
  WriteResult,
  Zxid,
} from "./zookeeper.ts";

/** Each method of the client as the request it sends. Paths come in as our caller names them and leave below the chroot. */
export interface Requests {
  getData(path: string): Request<GetDataResponse>;
  getChildren(path: string): Request<GetChildren2Response>;
  exists(path: string): Request<Stat>;
  getAcl(path: string): Request<GetAclResponse>;
  setAcl(path: string, acl: readonly Acl[], aversion: number): Request<Stat>;
  create(path: string, data: NodeData, node: NewNode): Request<Create2Response>;
  setData(path: string, data: NodeData, version: number): Request<Stat>;
  delete(path: string, version: number): Request<void>;
  multi(ops: readonly WriteOp[]): Request<MultiOutcome>;
  multiRead(reads: readonly ReadRequest[]): Request<{ results: readonly ReadResult[]; zxid: Zxid }>;
  sync(path: string): Request<void>;
  whoAmI(): Request<readonly Identity[]>;
  addWatch(path: string, recursive: boolean): Request<void>;
}

interface NewNode {
  readonly acl: readonly Acl[];
  readonly ephemeral?: boolean;
  readonly sequential?: boolean;
}

export function createRequests(chroot: Chroot, watches: Watches): Requests {
  function read<T>(opcode: number, path: string, decode: Request<T>["decode"], verb: string): Request<T> {
    const onServer = chroot.toServer(path);
    return {
      opcode,
      encode: (writer) => encodePathRequest(writer, onServer),
      decode,
      describe: () => `${verb} ${path}`,
    };
  }

  function placed<T extends { readonly path: string }>(op: T): T {
    const path = chroot.toServer(op.path);
    return path === op.path ? op : { ...op, path };
  }

  function ownPath(path: string): string {
    const own = chroot.fromServer(path);
    if (own === undefined) throw new DecodeError(`The server says it created ${path}, which is outside the chroot`);
    return own;
  }

  return {
    getData: (path) => read(opcodes.getData, path, decodeGetDataResponse, "read"),
    getChildren: (path) => read(opcodes.getChildren2, path, decodeGetChildren2Response, "list the children of"),
    exists: (path) => read(opcodes.exists, path, decodeExistsResponse, "look for"),
    getAcl(path) {
      const onServer = chroot.toServer(path);
      return {
        opcode: opcodes.getAcl,
        encode: (writer) => encodeGetAclRequest(writer, onServer),
        decode: decodeGetAclResponse,
        describe: () => `read the ACL of ${path}`,
      };
    },
    setAcl(path, acl, aversion) {
      const request = { path: chroot.toServer(path), acl, aversion };
      return {
        opcode: opcodes.setAcl,
        encode: (writer) => encodeSetAclRequest(writer, request),
        decode: decodeSetAclResponse,
        describe: () => `set the ACL of ${path} at aversion ${aversion}`,
      };
    },
    create(path, data, { acl, ephemeral = false, sequential = false }) {
      const request = { path: chroot.toServer(path), data, acl, ephemeral, sequential };
      return {
        opcode: opcodes.create2,
        encode: (writer) => encodeCreateRequest(writer, request),
        decode: (reader) => {
          const { path: created, stat } = decodeCreate2Response(reader);
          return { path: ownPath(created), stat };
        },
        describe: () => `create ${path}`,
      };
    },
    setData(path, data, version) {
      const request = { path: chroot.toServer(path), data, version };
      return {
        opcode: opcodes.setData,
        encode: (writer) => encodeSetDataRequest(writer, request),
        decode: decodeSetDataResponse,
        describe: () => `set ${path} at version ${version}`,
      };
    },
    delete(path, version) {
      const request = { path: chroot.toServer(path), version };
      return {
        opcode: opcodes.delete,
        encode: (writer) => encodeDeleteRequest(writer, request),
        decode: () => {},
        describe: () => `delete ${path} at version ${version}`,
      };
    },
    multi(ops) {
      const onServer = ops.map(placed);
      return {
        opcode: opcodes.multi,
        encode: (writer) => encodeMultiRequest(writer, onServer),
        decode: (reader, { zxid }) => {
          const results = decodeMultiResponse(reader);
          expectCount(results.length, ops.length);
          return outcome(results, zxid, ownPath);
        },
        describe: () => `write ${ops.length} operations at once, the first on ${ops[0]?.path ?? "no path"}`,
      };
    },
    multiRead(reads) {
      const onServer = reads.map(placed);
      return {
        opcode: opcodes.multiRead,
        encode: (writer) => encodeMultiReadRequest(writer, onServer),
        decode: (reader, { zxid }) => {
          const results = decodeMultiReadResponse(reader);
          expectCount(results.length, reads.length);
          return { results, zxid };
        },
        describe: () => `read ${reads.length} nodes at once, the first ${reads[0]?.path ?? "at no path"}`,
      };
    },
    sync(path) {
      const onServer = chroot.toServer(path);
      return {
        opcode: opcodes.sync,
        encode: (writer) => encodeSync(writer, onServer),
        decode: () => {},
        describe: () => `wait until the server has caught up on ${path}`,
      };
    },
    whoAmI: () => ({
      opcode: opcodes.whoAmI,
      encode: () => {},
      decode: decodeWhoAmIResponse,
      describe: () => "ask who we are",
    }),
    addWatch(path, recursive) {
      const watch = { path: chroot.toServer(path), recursive };
      return {
        opcode: opcodes.addWatch,
        encode: (writer) => encodeAddWatchRequest(writer, watch),
        decode: () => watches.add(watch),
        describe: () => `watch ${path}${recursive ? " and all below it" : ""}`,
      };
    },
  };
}

function expectCount(answered: number, asked: number): void {
  if (answered !== asked) throw new DecodeError(`The server answered ${answered} of ${asked} operations`);
}

/** All results of a refused multi are errors: 0 before the op that failed, its code, runtimeInconsistency after it. */
function outcome(results: readonly MultiResult[], zxid: Zxid, ownPath: (path: string) => string): MultiOutcome {
  const applied: WriteResult[] = [];
  for (const result of results) {
    switch (result.kind) {
      case "error":
        return refusal(results);
      case "create":
        applied.push({ kind: "create", path: ownPath(result.path) });
        break;
      case "set":
      case "delete":
      case "check":
        applied.push(result);
        break;
    }
  }
  return { kind: "applied", results: applied, zxid };
}

function refusal(results: readonly MultiResult[]): MultiOutcome {
  for (const [failedAt, result] of results.entries()) {
    const code = result.kind === "error" ? result.code : 0;
    if (code !== 0 && code !== errorCodes.runtimeInconsistency) return { kind: "refused", failedAt, code };
  }
  throw new DecodeError("The server refused a multi without saying which operation failed");
}
