import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, frameLimits } from "./frame.ts";
import { refusal, success } from "./message.ts";
import { createReadyAnswer } from "./ready-answer.ts";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const answers = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((body) => success({ a: "1" }, body)),
  fc.string({ maxLength: 50 }).map((remark) => refusal(17, `No route "opaque":0 ${remark}`)),
);

test("a ready answer reads as any other, with each request's own number", () => {
  fc.assert(
    fc.property(answers, fc.array(int32, { minLength: 1 }), (answer, opaques) => {
      const ready = createReadyAnswer(answer);
      for (const serialize of ["json", "rocketmq"] as const) {
        for (const opaque of opaques) {
          const bytes = Buffer.alloc(ready.bytesOf(serialize));
          ready.copyTo(bytes, 0, { opaque, serialize });
          const decoded = decodeFrame(bytes, frameLimits);
          expect(decoded).toMatchObject({ kind: "frame", used: bytes.length });
          if (decoded.kind !== "frame") return;
          const { frame } = decoded;
          expect(frame).toMatchObject({ opaque, serialize, code: answer.code, isResponse: true });
          expect(frame.fields).toEqual(answer.fields);
          expect(frame.remark ?? "").toBe(answer.remark ?? "");
          expect(Buffer.from(frame.body).equals(answer.body)).toBe(true);
        }
      }
    }),
  );
});
