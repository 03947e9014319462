import { encodeAuthRequest } from "./records/auth.ts";
import { opcodes } from "./records/opcodes.ts";
import { encodeSetWatches2Request } from "./records/set-watches2.ts";
import type { Request } from "./request.ts";
import type { WatchPart } from "./watches.ts";
import type { Zxid } from "./zookeeper.ts";

/** These replies have no body. */
const nothing = () => {};

/** Goes out with the fixed xid of auth. */
export function authRequest(credential: { scheme: string; credential: Uint8Array }): Request<void> {
  return {
    opcode: opcodes.auth,
    encode: (writer) => encodeAuthRequest(writer, credential),
    decode: nothing,
    describe: () => `authenticate by scheme ${credential.scheme}`,
  };
}

/** Goes out with the fixed xid of setWatches. */
export function setWatchesRequest(part: WatchPart, relativeZxid: Zxid): Request<void> {
  return {
    opcode: opcodes.setWatches2,
    encode: (writer) => encodeSetWatches2Request(writer, { relativeZxid, ...part }),
    decode: nothing,
    describe: () => `set ${part.persistent.length + part.persistentRecursive.length} watches again`,
  };
}

export const closeSessionRequest: Request<void> = {
  opcode: opcodes.closeSession,
  encode: nothing,
  decode: nothing,
  describe: () => "end the session",
};
