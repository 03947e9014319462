import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { systemClock } from "#lib/clock.ts";
import { requestCodes } from "#lib/remoting/codes.ts";
import { connectRemoting, type RemotingClient } from "#lib/remoting/connection.ts";
import { expectResult, request } from "#lib/remoting/message.ts";
import { propertiesText } from "../../world/java.ts";
import { makeDataFolder } from "./data-folder.ts";
import { freePort } from "./ports.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { inProject } from "./project.ts";

/** RocketMQ's own name server, with as many topics as wanted on two broker sets, one in each IDC. */

export interface NameServer extends AsyncDisposable {
  readonly address: string;
  readonly process: RunningProcess;
}

export interface BrokerPlace {
  readonly set: string;
  readonly address: string;
}

export const cluster = "C1";
const queues = 16;
const readyMsMax = 60_000;
const requestMsMax = 120_000;
const staysEveryMs = 20_000;
/** It drops a broker that has not shown itself for so long. */
const heartbeatTimeoutMillis = 24 * 3_600_000;
/** What its own start script uses, with a smaller heap: it holds 10,000 topics in a tenth of this. */
const javaFlags = ["-server", "-Xms512m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=256m"];

/** Two addresses on loopback that answer the router's checks, each in its IDC's net. They take no messages. */
export async function startBrokers(signal: AbortSignal): Promise<readonly BrokerPlace[]> {
  const port = await freePort();
  const places = ["bs1", "bs2"].map((set, nth) => ({ set, address: `127.${nth + 1}.0.1:${port}` }));
  const workerData = { addresses: places.map(({ address }) => address) };
  const thread = new Worker(new URL("brokers-thread.ts", import.meta.url), { workerData });
  signal.addEventListener("abort", () => void thread.terminate());
  await once(thread, "message");
  return places;
}

export async function startNameServer(
  brokers: readonly BrokerPlace[],
  topics: readonly string[],
  signal: AbortSignal,
): Promise<NameServer> {
  const folder = await makeDataFolder("crossidc-name-server-");
  const port = await freePort();
  await writeFile(join(folder, "namesrv.conf"), propertiesText({ listenPort: port, bindAddress: "127.0.0.1" }));
  const server = startProcess(
    "java",
    [
      ...javaFlags,
      `-Duser.home=${folder}`,
      ...["-cp", inProject(".cache/rocketmq-5.3.3/lib/*")],
      ...["org.apache.rocketmq.namesrv.NamesrvStartup", "-c", join(folder, "namesrv.conf")],
    ],
    { name: `name-server-${port}`, env: { ROCKETMQ_HOME: folder } },
  );
  await server.waitForLine(/The Name Server boot success/, { timeoutMs: readyMsMax });
  const staying = await register({ port, brokers, topics, signal });
  return {
    address: `127.0.0.1:${port}`,
    process: server,
    async [Symbol.asyncDispose]() {
      clearInterval(staying);
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A broker is forgotten when its connection ends, and an idle one is ended after two minutes. @returns the timer that prevents it */
async function register(options: {
  port: number;
  brokers: readonly BrokerPlace[];
  topics: readonly string[];
  signal: AbortSignal;
}): Promise<NodeJS.Timeout> {
  const { port, brokers, topics, signal } = options;
  const topicConfigTable = Object.fromEntries(
    topics.map((topicName) => [
      topicName,
      {
        topicName,
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: 6,
        topicFilterType: "SINGLE_TAG",
        topicSysFlag: 0,
        order: false,
      },
    ]),
  );
  const dataVersion = { stateVersion: 0, timestamp: Date.now(), counter: 1 };
  const body = JSON.stringify({
    topicConfigSerializeWrapper: { dataVersion, topicConfigTable },
    filterServerList: [],
  });
  const clients: RemotingClient[] = [];
  for (const { set, address } of brokers) {
    const client = await connectRemoting({
      ...{ host: "127.0.0.1", port, connectTimeoutMs: requestMsMax, signal },
      clock: systemClock,
    });
    const fields = {
      ...{ brokerName: set, brokerAddr: address, clusterName: cluster, brokerId: "0", haServerAddr: address },
      ...{ enableActingMaster: "false", compressed: "false", bodyCrc32: "0" },
      heartbeatTimeoutMillis: String(heartbeatTimeoutMillis),
    };
    const code = requestCodes.REGISTER_BROKER;
    const answer = await client.ask(request(code, fields, Buffer.from(body)), { timeoutMs: requestMsMax, signal });
    expectResult(answer, code);
    clients.push(client);
  }
  return setInterval(() => {
    for (const client of clients) if (client.open) client.send(request(requestCodes.GET_BROKER_CLUSTER_INFO));
  }, staysEveryMs);
}
