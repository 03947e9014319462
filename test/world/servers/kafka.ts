import { once } from "node:events";
import { eventually } from "../../integration/harness/eventually.ts";
import { javaCommand, propertiesText } from "../java.ts";
import type { Recipe } from "../server.ts";
import type { Member } from "./members.ts";

/** Usually ten seconds. */
const readyMsMax = 90_000;
const answerMsMax = 2_000;
/** Any 16 bytes in base64, the same for all of a cluster. */
const clusterId = "Y3Jvc3NpZGMtd29ybGQtMQ";

/** One Kafka 4.1 cluster; each node is broker and controller. A node's rack is its site unless another is named. */
export function kafkaRecipes(members: readonly (Member<"kafka"> & { readonly rack?: string })[]): Recipe[] {
  const voters = members.map(({ host, ports }, index) => `${index + 1}@${host}:${ports.controller}`).join(",");
  const copies = Math.min(3, members.length);
  return members.map(({ name, site, host, ports, rack = site }, index) => ({
    name,
    site,
    address: `${host}:${ports.listen}`,
    files: (folder) => ({
      "server.properties": propertiesText({
        "process.roles": "broker,controller",
        "node.id": index + 1,
        "broker.rack": rack,
        "controller.quorum.voters": voters,
        listeners: `PLAINTEXT://${host}:${ports.listen},CONTROLLER://${host}:${ports.controller}`,
        "controller.listener.names": "CONTROLLER",
        "log.dirs": `${folder}/data/logs`,
        "num.partitions": 1,
        "default.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
      }),
    }),
    prepare: (folder) => [
      ...javaCommand("kafka-4.1.0", "kafka.tools.StorageTool", { heapMb: 96 }),
      ...["format", "-t", clusterId, "-c", `${folder}/server.properties`],
    ],
    command: (folder) => [
      ...javaCommand("kafka-4.1.0", "kafka.Kafka", { heapMb: 384, flags: ["-Dorg.apache.logging.log4j.level=INFO"] }),
      `${folder}/server.properties`,
    ],
    ready: ({ dial }) =>
      eventually(
        async () => {
          const socket = await dial();
          socket.write(metadataRequest);
          const [answer] = (await once(socket, "data", { signal: AbortSignal.timeout(answerMsMax) })) as [Buffer];
          socket.destroy();
          // length i32 | correlation i32 | count of brokers i32 | ...
          const brokers = answer.readInt32BE(8);
          if (brokers < members.length) throw new Error(`it knows ${brokers} of ${members.length} brokers`);
        },
        { withinMs: readyMsMax, everyMs: 100 },
      ),
  }));
}

/** Metadata v0 of all topics: length i32 | key i16 | version i16 | correlation i32 | client i16 (none) | topics i32 (0: all) */
const metadataRequest = Buffer.from("0000000e0003000000000001ffff00000000", "hex");
