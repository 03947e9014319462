import { OperatorError } from "../errors.ts";

/** Error codes of replies. @source ZooKeeper 3.9 KeeperException.Code */
export const errorCodes = {
  connectionLoss: -4,
  marshallingError: -5,
  unimplemented: -6,
  operationTimeout: -7,
  badArguments: -8,
  runtimeInconsistency: -2,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  notReadOnly: -119,
  requestTimeout: -122,
  quotaExceeded: -125,
  throttled: -127,
} as const;

export type ErrorName = keyof typeof errorCodes;

const nameByCode = new Map<number, ErrorName>(
  Object.entries(errorCodes).map(([name, code]) => [code, name as ErrorName]),
);

/** The name of a reply's error code, as in KeeperException: -101 is `noNode`. */
export function errorName(code: number): ErrorName | `error ${number}` {
  return nameByCode.get(code) ?? `error ${code}`;
}

/** A request that the server refused, or that got no answer (`connectionLoss`: it may or may not have been applied). */
export class ZooKeeperError extends OperatorError {
  /** The server's code, see {@link errorCodes}. */
  readonly zkCode: number;

  constructor(zkCode: number, message: string, options: { hint: string; cause?: unknown }) {
    super("ZK_REQUEST", message, options);
    this.zkCode = zkCode;
  }

  is(name: ErrorName): boolean {
    return this.zkCode === errorCodes[name];
  }
}

/** The error of a reply. @param what as in "set /a at version 3" */
export function refused(what: string, code: number): ZooKeeperError {
  const name = errorName(code);
  const label = name === `error ${code}` ? name : `${name} (${code})`;
  return new ZooKeeperError(code, `Cannot ${what}: ${label}`, { hint: hints.get(code) ?? "See the log of the server" });
}

/** Of a request whose answer was not read. It was done, if it was to change anything. */
export function replyTooLarge(what: string, bytes: number, bytesMax: number): ZooKeeperError {
  const code = errorCodes.marshallingError;
  const message = `Cannot ${what}: marshallingError (${code}): the answer has ${bytes} bytes, more than ${bytesMax}`;
  return new ZooKeeperError(code, message, { hint: "Ask for less at once" });
}

/** Of a request that has no answer and will get none. */
export function connectionLoss(what: string, reason: string): ZooKeeperError {
  const code = errorCodes.connectionLoss;
  return new ZooKeeperError(code, `Cannot ${what}: connectionLoss (${code}): ${reason}`, {
    hint: "A write may or may not have been applied: once connected again, read before you repeat it",
  });
}

const hints = new Map<number, string>([
  [
    errorCodes.unimplemented,
    "The server is too old for this request: watches that stay and multiRead need 3.6, whoAmI 3.7",
  ],
  [errorCodes.badArguments, "Check the path and the values of the request"],
  [errorCodes.noNode, "The node does not exist, or its parent when it is to be created: create it first"],
  [errorCodes.noAuth, "Give the client's identity the right in the node's ACL, or the client the right credentials"],
  [errorCodes.badVersion, "Somebody else changed the node: read it again and decide anew"],
  [errorCodes.noChildrenForEphemerals, "An ephemeral node has no children: put the node elsewhere"],
  [errorCodes.nodeExists, "The node is there already: read it, and set it if it differs"],
  [errorCodes.notEmpty, "Delete the children first"],
  [errorCodes.invalidAcl, "The server does not know this ACL's scheme, or the ACL is empty"],
  [errorCodes.authFailed, "Check scheme and credential of `auth`"],
  [errorCodes.sessionMoved, "The session has gone on to another server: wait until connected again"],
  [errorCodes.notReadOnly, "The server has lost its quorum and only reads: check the ensemble"],
  [errorCodes.quotaExceeded, "Raise the quota of the subtree, or store less in it"],
  [errorCodes.throttled, "The server is overloaded: send less at once"],
]);
