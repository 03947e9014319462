/**
 * The process that a world stands and falls with. It makes the namespaces, carries packets between them, and obeys orders on
 * a socket. Nothing of a world has a name in the kernel: namespaces, devices and mounts are held by this process alone and go
 * with it. It lives as long as its standard input stays open, which its owner holds: when the owner dies, however it dies,
 * it kills what still runs in its namespaces, takes the world's folder away, and ends.
 *
 * Started by network.ts: keeper.ts FOLDER
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Order, type Reach, serveOrders, type Where } from "./control.ts";
import type { ForwarderData } from "./forwarder.ts";
import { enterNetworkNamespace, makeNetworkNamespace, openOwnNamespace, openTunnel } from "./kernel.ts";
import { createQualityTable } from "./quality.ts";
import { createProber } from "./reach.ts";
import type { ProbeOrder, ResidentData, ResidentReport } from "./resident.ts";
import { addressOf, networkOf, type SiteName, siteNames } from "./sites.ts";
import { sweep } from "./sweep.ts";

const device = "wan";
/** So that a burst is not lost while this process waits for a busy machine. */
const deviceQueueMax = 4_096;

const [folder = ""] = process.argv.slice(2);
const over = Promise.withResolvers<void>();

// Ctrl-C and the like are the owner's business: it closes our input when it is done.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.stdin.on("end", over.resolve).on("error", over.resolve).resume();
// Packets are due to the millisecond, whatever else the machine does.
setPriority(-10);

const home = openOwnNamespace();
const places = siteNames.map(makePlace);
enterNetworkNamespace(home);

const table = createQualityTable();
const prober = createProber(table, (probe) => {
  for (const resident of residents) resident.postMessage({ probe } satisfies ProbeOrder);
});
const forwarder = startThread("forwarder.ts", { memory: table.memory, tunnels: places.map(({ tunnel }) => tunnel) });
await once(forwarder, "message");
const residents = await Promise.all(places.map(startResident));
await serveOrders(join(folder, "control"), obey);
process.stdout.write("ready\n");

await over.promise;
await sweep(
  places.map(({ namespace }) => readlinkSync(`/proc/self/fd/${namespace}`)),
  folder,
);
process.exit();

interface Place {
  readonly site: SiteName;
  readonly namespace: number;
  readonly tunnel: number;
}

/** A namespace with a device in it that leads to the other sites. This thread is in it afterwards. */
function makePlace(site: SiteName): Place {
  makeNetworkNamespace();
  const namespace = openOwnNamespace();
  const tunnel = openTunnel(device);
  const commands = [
    "link set lo up",
    `link set ${device} mtu 1500 txqueuelen ${deviceQueueMax} up`,
    `addr add ${addressOf(site)}/16 dev ${device}`,
    // No wider: the machine's own name server may be in 10.0.0.0/8, and who asks it would wait for it in vain.
    ...siteNames
      .filter((other) => other !== site)
      .map((other) => `route add ${networkOf(other)} dev ${device} src ${addressOf(site)}`),
  ];
  execFileSync("ip", ["-batch", "-"], { input: commands.join("\n"), stdio: ["pipe", "ignore", "inherit"] });
  return { site, namespace, tunnel };
}

/** A world without one of its threads is none. */
function startThread(file: "forwarder.ts" | "resident.ts", data: ForwarderData | ResidentData): Worker {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  worker.on("error", (error) => {
    console.error(error);
    over.resolve();
  });
  return worker;
}

async function startResident({ site, namespace }: Place): Promise<Worker> {
  const worker = startThread("resident.ts", { site, namespace, dialSocket: join(folder, `dial-${site}`) });
  const ready = Promise.withResolvers<void>();
  worker.on("message", (report: ResidentReport) => {
    if (report.kind === "ready") ready.resolve();
    else prober.hear(report);
  });
  await ready.promise;
  return worker;
}

async function obey(order: Order): Promise<Where | readonly Reach[] | null> {
  switch (order.verb) {
    case "where":
      return where();
    case "set":
      for (const way of order.ways) table.of(way).set({ ...table.of(way).quality, ...order.change });
      return null;
    case "reach":
      return await prober.measure();
    case "end":
      over.resolve();
      return null;
  }
}

function where(): Where {
  const own = `/proc/${process.pid}`;
  const network = Object.fromEntries(places.map(({ site, namespace }) => [site, `${own}/fd/${namespace}`]));
  return { keeper: process.pid, network: network as Where["network"], mount: `${own}/ns/mnt` };
}
