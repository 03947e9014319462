import type { FastifyRequest } from "fastify";
import { readWho, whoHeader } from "#lib/who.ts";

/** For the audit log: the name that idcctl sends, and from where. It is the caller's own word. */
export function whoOf({ headers, ip }: Pick<FastifyRequest, "headers" | "ip">): string {
  const name = readWho(headers[whoHeader]);
  return `${name === "" ? "somebody without a name" : name} from ${ip}`;
}
