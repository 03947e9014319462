import { encodeFrame, type Frame, frameLimits } from "./frame.ts";
import type { RemotingAnswer } from "./message.ts";
import { answerEnvelope } from "./message.ts";

/** An answer that is sent often: its bytes are made once for each way of writing headers, and only the request's number differs. */
export interface ReadyAnswer {
  /** A copy of its own. */
  bytesFor(request: Pick<Frame, "opaque" | "serialize">): Buffer;
}

/** The widest: -2147483648. JSON allows blanks after a number. */
const opaqueCharacters = 11;
/** Of a binary header, after length, type, header length, code, language and version. */
const binaryOpaqueAt = 13;

/** @throws {EncodeLimitError} when it is over the limit of a frame */
export function createReadyAnswer(answer: RemotingAnswer): ReadyAnswer {
  let json: { readonly bytes: Buffer; readonly opaqueAt: number } | undefined;
  let binary: Buffer | undefined;
  const whole = { ...answerEnvelope, ...answer };
  return {
    bytesFor({ opaque, serialize }) {
      if (serialize === "rocketmq") {
        binary ??= encodeFrame({ ...whole, opaque: 0, serialize }, frameLimits);
        const copy = Buffer.from(binary);
        copy.writeInt32BE(opaque, binaryOpaqueAt);
        return copy;
      }
      json ??= jsonTemplate(whole);
      const copy = Buffer.from(json.bytes);
      copy.write(String(opaque), json.opaqueAt, "latin1");
      return copy;
    },
  };
}

/** With a number that is as long as it can be, which is then blanked. */
function jsonTemplate(answer: Omit<Frame, "opaque" | "serialize">): { bytes: Buffer; opaqueAt: number } {
  const widest = -(2 ** 31);
  const bytes = encodeFrame({ ...answer, opaque: widest, serialize: "json" }, frameLimits);
  const opaqueAt = bytes.indexOf(`"opaque":${widest}`) + '"opaque":'.length;
  bytes.fill(" ", opaqueAt, opaqueAt + opaqueCharacters);
  return { bytes, opaqueAt };
}
