import { RemotingError } from "#lib/remoting/errors.ts";

/**
 * @param address host:port as a broker has told it, an IPv6 address in brackets or bare
 * @throws {RemotingError} REMOTING_UNREACHABLE when it is none: there is nobody to ask
 */
export function splitAddress(address: string): { host: string; port: number } {
  const [, host = "", digits = ""] = /^\[?([^[\]\s]+?)\]?:(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (host !== "" && port >= 1 && port <= 65_535) return { host, port };
  throw new RemotingError("REMOTING_UNREACHABLE", `Cannot connect to ${JSON.stringify(address)}: it is no host:port`);
}
