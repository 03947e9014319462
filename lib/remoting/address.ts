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
