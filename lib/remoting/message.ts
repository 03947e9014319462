import { requestName, resultCodes, resultName } from "./codes.ts";
import { RemotingError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { Fields } from "./header.ts";

/** What to ask for; the connection adds the rest. */
export interface RemotingRequest {
  readonly code: number;
  readonly fields: Fields;
  readonly body: Uint8Array;
}

/** What to answer; the connection adds the rest. */
export interface RemotingAnswer {
  /** 0 is success, see resultCodes. */
  readonly code: number;
  /** Why, for people; of refusals. */
  readonly remark?: string | undefined;
  readonly fields: Fields;
  readonly body: Uint8Array;
}

/** What our answers have in common; stock controllers send version 0 too. */
export const answerEnvelope = { language: "OTHER", version: 0, isResponse: true, isOneway: false } as const;

const nothing = new Uint8Array();

export function request(code: number, fields: Fields = {}, body: Uint8Array = nothing): RemotingRequest {
  return { code, fields, body };
}

export function success(fields: Fields = {}, body: Uint8Array = nothing): RemotingAnswer {
  return { code: resultCodes.SUCCESS, fields, body };
}

export function refusal(code: number, remark: string): RemotingAnswer {
  return { code, remark, fields: {}, body: nothing };
}

/** To a request of a code that is not served here. */
export function notSupported(frame: Frame): RemotingAnswer {
  return refusal(resultCodes.REQUEST_CODE_NOT_SUPPORTED, `request type ${frame.code} not supported`);
}

/** @throws {RemotingError} REMOTING_REFUSED when the peer's answer to this request is none of `expected` */
export function expectResult(
  answer: Frame,
  requestCode: number,
  expected: readonly number[] = [resultCodes.SUCCESS],
): void {
  const { code, remark = "no remark" } = answer;
  if (expected.includes(code)) return;
  throw new RemotingError(
    "REMOTING_REFUSED",
    `${requestName(requestCode)} was answered with ${resultName(code)}: ${remark}`,
    { resultCode: code },
  );
}
