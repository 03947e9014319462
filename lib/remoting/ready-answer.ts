import { encodeFrame, type Frame, frameLimits } from "./frame.ts";
import type { RemotingAnswer } from "./message.ts";
import { answerEnvelope } from "./message.ts";

/** An answer that is sent often: its bytes are made once for each way of writing headers, and only the request's number differs. */
export interface ReadyAnswer {
  bytesOf(serialize: Frame["serialize"]): number;
  /** As the answer to this request. The target has room for bytesOf() from there on. */
  copyTo(target: Buffer, at: number, request: Pick<Frame, "opaque" | "serialize">): void;
}

/** The widest: -2147483648. JSON allows blanks after a number. */
const opaqueCharacters = 11;
/** Of a binary header, after length, type, header length, code, language and version. */
const binaryOpaqueAt = 13;
const zero = 0x30;
const minus = 0x2d;

/** @throws {EncodeLimitError} when it is over the limit of a frame */
export function createReadyAnswer(answer: RemotingAnswer): ReadyAnswer {
  let json: { readonly bytes: Buffer; readonly opaqueAt: number } | undefined;
  let binary: Buffer | undefined;
  const whole = { ...answerEnvelope, ...answer };
  const inBinary = (): Buffer => (binary ??= encodeFrame({ ...whole, opaque: 0, serialize: "rocketmq" }, frameLimits));
  const inJson = (): NonNullable<typeof json> => (json ??= jsonTemplate(whole));
  return {
    bytesOf: (serialize) => (serialize === "rocketmq" ? inBinary() : inJson().bytes).length,
    copyTo(target, at, { opaque, serialize }) {
      if (serialize === "rocketmq") {
        target.set(inBinary(), at);
        target.writeInt32BE(opaque, at + binaryOpaqueAt);
        return;
      }
      const { bytes, opaqueAt } = inJson();
      target.set(bytes, at);
      writeNumber(target, at + opaqueAt, opaque);
    },
  };
}

/** As text. Not by write(): a call into C++ costs more than ten digits. */
function writeNumber(target: Buffer, at: number, value: number): void {
  const isNegative = value < 0;
  let rest = Math.abs(value);
  let to = at + (isNegative ? 1 : 0);
  for (let more = rest; more >= 10; more = Math.floor(more / 10)) to += 1;
  for (; to >= at; to -= 1) {
    target[to] = zero + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  if (isNegative) target[at] = minus;
}

/** With a number that is as long as it can be, which is then blanked. */
function jsonTemplate(answer: Omit<Frame, "opaque" | "serialize">): { bytes: Buffer; opaqueAt: number } {
  const widest = -(2 ** 31);
  const bytes = encodeFrame({ ...answer, opaque: widest, serialize: "json" }, frameLimits);
  const opaqueAt = bytes.indexOf(`"opaque":${widest}`) + '"opaque":'.length;
  bytes.fill(" ", opaqueAt, opaqueAt + opaqueCharacters);
  return { bytes, opaqueAt };
}
