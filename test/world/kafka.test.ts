import { expect } from "vitest";
import { eventually } from "../integration/harness/eventually.ts";
import { javaCommand } from "./java.ts";
import { openWorld } from "./world.ts";
import { worldTest } from "./world-test.ts";

const timeoutMs = 200_000;

worldTest(
  "a Kafka takes and gives messages across sites, also after a crash",
  async () => {
    await using world = await openWorld();
    await world.everywhere.set({ delayMs: 5 });
    const [kafka] = await world.kafka(["idc1"]);
    if (kafka === undefined) throw new Error("one node was asked for");
    const tool = (main: string, ...args: readonly string[]) =>
      world.run(
        "idc2",
        [
          ...javaCommand("kafka-4.1.0", `org.apache.kafka.tools.${main}`, { heapMb: 64 }),
          ...["--bootstrap-server", kafka.address, "--topic", "orders", ...args],
        ],
        { stdin: "one\ntwo\n" },
      );
    const made = tool("TopicCommand", "--create");
    expect((await made.exit).code).toBe(0);
    expect((await tool("ConsoleProducer").exit).code).toBe(0);
    await kafka.restart();
    const consumer = tool(
      "consumer.ConsoleConsumer",
      "--from-beginning",
      "--max-messages",
      "2",
      "--timeout-ms",
      "60000",
    );
    await consumer.exit;
    await eventually(() => expect(consumer.output("stdout")).toBe("one\ntwo\n"), { withinMs: 1_000 });
  },
  timeoutMs,
);
