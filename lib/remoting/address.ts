import { RemotingError } from "./errors.ts";

/** host:port, an IPv6 address in brackets. @throws {RemotingError} REMOTING_LISTEN */
export function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[(?<ipv6>[0-9a-fA-F:.%\w]+)\]|(?<name>[^:[\]\s]+)):(?<port>\d{1,5})$/.exec(listen);
  const host = match?.groups?.["ipv6"] ?? match?.groups?.["name"];
  const port = Number(match?.groups?.["port"]);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new RemotingError("REMOTING_LISTEN", `Cannot listen on ${JSON.stringify(listen)}: it is no host:port`);
}

export function formatAddress(host: string | undefined, port: number | undefined): string {
  if (host === undefined) return "nowhere";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

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
