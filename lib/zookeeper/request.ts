import type { Reader } from "../bytes/reader.ts";
import { EncodeLimitError, type Writer } from "../bytes/writer.ts";
import { OperatorError } from "../errors.ts";
import { encodeFrame } from "./frame.ts";
import { encodeRequestHeader, type ReplyHeader } from "./records/header.ts";

/** One request, without the xid that its connection gives it. */
export interface Request<T> {
  readonly opcode: number;
  /** Writes what follows the header. */
  readonly encode: (writer: Writer) => void;
  /** Reads what follows the header of a reply without error. Called when the reply arrives, in the order of the wire. */
  readonly decode: (reader: Reader, header: ReplyHeader) => T;
  /** What was tried, for errors: "set /a at version 3". */
  readonly describe: () => string;
}

const noXidYet = 0;
const xidOffset = 4;
const xidMax = 0x7fff_ffff;

/** @throws {RequestTooLarge} */
export function encodeRequest(request: Request<unknown>, limits: { requestBytesMax: number }): Buffer {
  try {
    return encodeFrame({ frameBytesMax: limits.requestBytesMax }, (writer) => {
      encodeRequestHeader(writer, { xid: noXidYet, opcode: request.opcode });
      request.encode(writer);
    });
  } catch (error) {
    if (error instanceof EncodeLimitError) throw new RequestTooLarge(request.describe(), limits.requestBytesMax, error);
    throw error;
  }
}

/** Wraps before the sign bit: negative ones have meanings of their own. 20,000 requests a second are there in 30 hours. */
export function xidAfter(xid: number): number {
  return xid === xidMax ? 1 : xid + 1;
}

export function setXid(frame: Buffer, xid: number): void {
  frame.writeInt32BE(xid, xidOffset);
}

/** The request was not sent: the server takes none of this size, and would close the connection without an answer. */
export class RequestTooLarge extends OperatorError {
  constructor(what: string, requestBytesMax: number, cause: EncodeLimitError) {
    const bytesMin = cause.bytesWanted - xidOffset;
    super(
      "ZK_REQUEST_TOO_LARGE",
      `Cannot ${what}: the request takes at least ${bytesMin} bytes, and ${requestBytesMax} are allowed`,
      {
        hint: "Store less in the node or put fewer operations into one multi; requestBytesMax follows the servers' jute.maxbuffer",
        cause,
      },
    );
  }
}
