import { type TestContext, test } from "vitest";
import { worldRefusal } from "./rights.ts";

const refusal = worldRefusal();
if (refusal !== undefined) console.warn(`\n*** Tests in a three-site world are SKIPPED: ${refusal}\n`);

/** A test that needs a world. Where none can be made it is reported as skipped, with the reason; in CI it fails. */
export function worldTest(name: string, run: (context: TestContext) => Promise<void>, timeoutMs?: number): void {
  test(
    name,
    async (context) => {
      if (refusal !== undefined && process.env["CI"] === undefined) context.skip(refusal);
      if (refusal !== undefined) throw new Error(`no world can be made here, and in CI that is a failure: ${refusal}`);
      await run(context);
    },
    timeoutMs,
  );
}
