/**
 * A thread that lives in one site's namespace. For those outside it opens connections from there ("dial"), and it sends and
 * hears the probes by which the picture of who reaches whom is measured.
 */
import { createSocket } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { parentPort, workerData } from "node:worker_threads";
import { ports } from "../ports.ts";
import { enterNetworkNamespace } from "./kernel.ts";
import { addressOf, type SiteName, siteNames } from "./sites.ts";

export interface ResidentData {
  readonly site: SiteName;
  readonly namespace: number;
  /** Who connects here writes "HOST:PORT\n", reads "ok\n" or "error TEXT\n", and after "ok" is connected to it. */
  readonly dialSocket: string;
}

/** To a resident: send one datagram to each other site. */
export interface ProbeOrder {
  readonly probe: number;
}

export type ResidentReport =
  | { readonly kind: "ready" }
  | {
      readonly kind: "heard";
      readonly probe: number;
      readonly from: SiteName;
      readonly to: SiteName;
      readonly delayMs: number;
    };

const dialMsMax = 60_000;
const addressBytesMax = 100;

const { site, namespace, dialSocket } = workerData as ResidentData;
enterNetworkNamespace(namespace);
const port = parentPort;
if (port === null) throw new Error("a resident is a thread of its keeper");
const report = (message: ResidentReport): void => port.postMessage(message);

// Datagram: probe u32 | position of the sender's site u8 | when it was sent, ns of the machine's monotonic clock u64
const datagrams = createSocket("udp4");
datagrams.on("message", (datagram) => {
  const from = siteNames[datagram.readUInt8(4)];
  if (from === undefined) return;
  const delayMs = Number(process.hrtime.bigint() - datagram.readBigUInt64LE(5)) / 1e6;
  report({ kind: "heard", probe: datagram.readUInt32LE(0), from, to: site, delayMs });
});
datagrams.bind(ports.probe, addressOf(site), () => {
  createServer({ allowHalfOpen: true }, (client) => void dial(client)).listen(dialSocket, () =>
    report({ kind: "ready" }),
  );
});

port.on("message", ({ probe }: ProbeOrder) => {
  for (const to of siteNames) {
    if (to === site) continue;
    const datagram = Buffer.alloc(13);
    datagram.writeUInt32LE(probe, 0);
    datagram.writeUInt8(siteNames.indexOf(site), 4);
    datagram.writeBigUInt64LE(process.hrtime.bigint(), 5);
    datagrams.send(datagram, ports.probe, addressOf(to));
  }
});

async function dial(client: Socket): Promise<void> {
  // Whoever goes away in between needs no answer.
  client.on("error", () => {});
  const address = await readLine(client);
  const [host = "", portText = ""] = address.split(":");
  const server = connect({ host, port: Number(portText), allowHalfOpen: true, noDelay: true });
  server.setTimeout(dialMsMax, () => server.destroy(new Error(`no connection to ${address} in ${dialMsMax} ms`)));
  const onFailure = (error: Error): void => void client.end(`error ${error.message}\n`);
  server.once("error", onFailure);
  client.once("close", () => server.destroy());
  server.once("connect", () => {
    server.setTimeout(0);
    server.off("error", onFailure);
    client.write("ok\n");
    splice(client, server);
  });
}

/** Both ways until both ends have ended, or one breaks: then the other does. */
function splice(client: Socket, server: Socket): void {
  const broken = (): void => {
    client.destroy();
    server.destroy();
  };
  pipeline(client, server).catch(broken);
  pipeline(server, client).catch(broken);
}

async function readLine(socket: Socket): Promise<string> {
  const line = Promise.withResolvers<string>();
  let text = Buffer.alloc(0);
  const take = (): void => {
    text = Buffer.concat([text, socket.read() ?? Buffer.alloc(0)]);
    const end = text.indexOf("\n");
    if (end < 0 && text.length < addressBytesMax) return;
    socket.off("readable", take);
    if (end < 0) return void socket.destroy();
    socket.unshift(text.subarray(end + 1));
    line.resolve(text.toString("utf8", 0, end));
  };
  socket.on("readable", take);
  return await line.promise;
}
