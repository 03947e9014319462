import { once } from "node:events";
import { createServer } from "node:net";

/** Below Linux's range for outgoing connections (32768 and up), where a client could take the port of a server that is down. */
const portMin = 20_000;
const portMax = 32_000;
const triesMax = 200;

/** Ports on loopback that nobody listens on right now. Another process may be quicker: start again with others then. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries += 1) {
    if (tries === triesMax) {
      throw new Error(`No ${count} free ports between ${portMin} and ${portMax} in ${triesMax} tries: see ss -tln`);
    }
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("no free port");
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
