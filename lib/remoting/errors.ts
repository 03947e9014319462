import { OperatorError } from "../errors.ts";

/**
 * FIELD, BODY: a message whose frame is sound, but not what it says. REFUSED: the peer answered, and its answer is no.
 * UNREACHABLE: no connection. DISCONNECTED, TIMEOUT: no answer, and what was asked for may have happened or not.
 * BUSY: not sent, a limit of our own was reached. LISTEN: the server could not start.
 */
type RemotingErrorCode =
  | "REMOTING_FIELD"
  | "REMOTING_BODY"
  | "REMOTING_REFUSED"
  | "REMOTING_UNREACHABLE"
  | "REMOTING_DISCONNECTED"
  | "REMOTING_TIMEOUT"
  | "REMOTING_BUSY"
  | "REMOTING_LISTEN";

export class RemotingError extends OperatorError {
  declare readonly code: RemotingErrorCode;
  /** Of FIELD and BODY: where, and what stood there; undefined: nothing. */
  readonly field: string | undefined;
  readonly value: string | undefined;
  /** Of REFUSED: see resultCodes. */
  readonly resultCode: number | undefined;

  constructor(
    code: RemotingErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; field?: string; value?: string | undefined; resultCode?: number } = {},
  ) {
    super(code, message, { hint: options.hint ?? hints[code], cause: options.cause });
    this.field = options.field;
    this.value = options.value;
    this.resultCode = options.resultCode;
  }
}

const hints: Readonly<Record<RemotingErrorCode, string>> = {
  REMOTING_FIELD:
    "The peer is of a version that is not known here, or no RocketMQ 5: compare its version with the supported ones",
  REMOTING_BODY:
    "The peer is of a version that is not known here, or no RocketMQ 5: compare its version with the supported ones",
  REMOTING_REFUSED: "The answer's code and remark say why; the peer's log has more",
  REMOTING_UNREACHABLE:
    "Check that the server runs, that its address and port are right, and that no firewall is between",
  REMOTING_DISCONNECTED: "The request may have been carried out or not: look at the peer's state before doing it again",
  REMOTING_TIMEOUT: "The request may have been carried out or not: look at the peer's state before doing it again",
  REMOTING_LISTEN: "Check that the address is one of this machine, and that nothing else listens there",
  REMOTING_BUSY: "The peer answers or reads too slowly for what is asked of it",
};
