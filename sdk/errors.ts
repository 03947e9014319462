export type SdkErrorCode =
  /** An option of connect(), producer() or consumer() cannot be right. */
  | "SDK_BAD_OPTIONS"
  /** No router answers, and nothing is known from before. */
  | "SDK_ROUTE_UNAVAILABLE"
  /** Routers answer, and none of them knows the topic. */
  | "SDK_TOPIC_UNKNOWN"
  /** A router answered with what is no route. */
  | "SDK_BAD_ANSWER"
  /** The library that speaks to this kind of brokers is not installed. */
  | "SDK_DRIVER_MISSING"
  /** Not acknowledged in time. It may have arrived all the same. */
  | "SDK_SEND_TIMEOUT"
  /** The brokers refuse this message, and would refuse it again. */
  | "SDK_SEND_REFUSED"
  /** More sends are on their way than `sendsMax`. */
  | "SDK_TOO_MANY_SENDS"
  /** It was closed. */
  | "SDK_CLOSED";

/** What was tried with which values (message), a stable code, and what to do next (hint). `cause` keeps the error beneath. */
export class SdkError extends Error {
  readonly code: SdkErrorCode;
  readonly hint: string;

  constructor(code: SdkErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SdkError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
