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
