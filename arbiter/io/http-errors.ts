import type { z } from "zod";
import { OperatorError } from "#lib/errors.ts";

/** With the status that lib/http.ts answers. */
export function refused(statusCode: number, error: OperatorError): OperatorError {
  return Object.assign(error, { statusCode });
}

export function badRequest(code: string, message: string, hint: string): OperatorError {
  return refused(400, new OperatorError(code, message, { hint }));
}

/** @throws {OperatorError} ARB_BAD_BODY, answered with 400 */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the body"}: ${message}`);
  throw badRequest(
    "ARB_BAD_BODY",
    `What was sent cannot be used: ${problems.join("; ")}`,
    "GET /openapi.json has the shapes",
  );
}
