import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BrokerPort } from "../../../arbiter/brokers/broker.ts";
import type { RocketmqPortOptions } from "../../../arbiter/brokers/rocketmq.ts";
import { inProject } from "../../integration/harness/project.ts";
import type { SiteName } from "../network/sites.ts";
import type { World } from "../world.ts";
import { parseLine, printLine, type Reply } from "./port-lines.ts";

const readyMsMax = 30_000;

/** The arbiter's RocketMQ port as a process in a site sees the brokers. It ends with the world. */
export interface PortInSite extends BrokerPort {
  /** What the last call took, as measured in the site. */
  readonly tookMs: number;
}

type Verb = keyof BrokerPort;

type PortOptions = Omit<RocketmqPortOptions, "clock" | "log">;

export async function openPortIn(world: World, site: SiteName, options: PortOptions): Promise<PortInSite> {
  const socketFile = join(world.network.folder, `port-${site}`);
  const program = inProject("test/world/clients/rocketmq-port.ts");
  const command = [process.execPath, program, socketFile, JSON.stringify(options)];
  await world.run(site, command, { name: `port-${site}` }).waitForLine(/ready/, { timeoutMs: readyMsMax });
  const socket = connect({ path: socketFile });
  await once(socket, "connect");
  const waiting = new Map<number, (reply: Reply) => void>();
  let lastId = 0;
  let tookMs = 0;
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", (line) => {
    const reply = parseLine<Reply>(line);
    waiting.get(reply.id)?.(reply);
  });

  function verb<Name extends Verb>(name: Name): BrokerPort[Name] {
    const call = async (...all: readonly unknown[]): Promise<unknown> => {
      const { timeoutMs } = all.at(-1) as { timeoutMs: number };
      lastId += 1;
      const id = lastId;
      const answer = new Promise<Reply>((resolve) => waiting.set(id, resolve));
      socket.write(printLine({ id, verb: name, args: all.slice(0, -1), timeoutMs }));
      const reply = await answer;
      waiting.delete(id);
      tookMs = reply.tookMs;
      if (reply.error !== undefined) throw new Error(reply.error);
      return reply.value;
    };
    return call as BrokerPort[Name];
  }

  return {
    probe: verb("probe"),
    notify: verb("notify"),
    routedMaster: verb("routedMaster"),
    canary: verb("canary"),
    inSyncCount: verb("inSyncCount"),
    settings: verb("settings"),
    isMaster: verb("isMaster"),
    reaches: verb("reaches"),
    reregister: verb("reregister"),
    raiseBarrier: verb("raiseBarrier"),
    lowerBarrier: verb("lowerBarrier"),
    get tookMs() {
      return tookMs;
    },
  };
}
