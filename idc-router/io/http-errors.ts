import { isIP } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { OperatorError } from "#lib/errors.ts";

/** It may come again in a second, or ask another router. */
export async function sendAway(reply: FastifyReply, status: 429 | 503, code: string, message: string): Promise<void> {
  const hint = "Wait as long as Retry-After says, or ask another router";
  await reply.code(status).header("retry-after", "1").send({ error: { code, message, hint } });
}

export function badRequest(code: string, message: string, hint: string, statusCode = 400): OperatorError {
  return Object.assign(new OperatorError(code, message, { hint }), { statusCode });
}

/** The caller's: as it says, else as its address says. @throws {OperatorError} RTR_BAD_IDC, answered with 400 */
export function idcOfCaller(
  request: FastifyRequest,
  wanted: string | undefined,
  { idcs, callerIdc }: { readonly idcs: readonly string[]; readonly callerIdc: (address: string) => string },
): string {
  if (wanted === undefined || wanted === "") return callerIdc(addressOf(request.ip, request.socket.remotePort));
  if (idcs.includes(wanted)) return wanted;
  throw badRequest("RTR_BAD_IDC", `There is no IDC ${JSON.stringify(wanted)}`, `The config has ${idcs.join(", ")}`);
}

/** The caller's address, as it says or as it is seen. @throws {OperatorError} RTR_BAD_IP, answered with 400 */
export function ipOfCaller({ ip }: FastifyRequest, wanted: string | undefined): string {
  if (wanted === undefined || wanted === "") return ip;
  if (isIP(wanted) !== 0) return wanted;
  throw badRequest("RTR_BAD_IP", `ip=${wanted} is no address`, "For example 10.1.0.4; leave it out: it is seen");
}

export function addressOf(ip: string, port = 0): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
