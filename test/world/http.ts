import { text } from "node:stream/consumers";
import type { Network } from "./network/network.ts";
import type { SiteName } from "./network/sites.ts";
import { ports } from "./ports.ts";
import type { Server } from "./server.ts";

/** What the HTTP door at HOST:PORT answers to GET, as seen from a site. @throws unless it is 200 */
export async function getText(network: Network, site: SiteName, address: string, path: string): Promise<string> {
  const socket = await network.dial(site, address);
  socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  const answer = await text(socket);
  const end = answer.indexOf("\r\n\r\n");
  if (!/^HTTP\/1\.[01] 200 /.test(answer)) throw new Error(`${address}${path} answers: ${answer.slice(0, 300)}`);
  return answer.slice(end + 4);
}

/** HOST:PORT of an arbiter's HTTP door: it shifts from site to site as its controller door does. */
export function httpAddressOf({ address }: Pick<Server, "address">): string {
  const [host, port] = address.split(":");
  return `${host}:${Number(port) - ports.controller.listen + ports.controller.http}`;
}
