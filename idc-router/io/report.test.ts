import { expect, test } from "vitest";
import { startState } from "../core/fold.ts";
import { explainKafka } from "./report.ts";

test("who leads the partitions of a Kafka topic is told in the order of their IDCs, whoever has more", () => {
  const broker = { available: true, rack: "", why: "" };
  const brokers = [
    { ...broker, id: 1, address: "k1:9092", idc: "idc1" },
    { ...broker, id: 2, address: "k2:9092", idc: "idc2" },
  ];
  const partitions = [2, 1, 1, -1, 1, 2].map((leader, partition) => ({ partition, leader }));
  const entry = { cluster: "K1", brokers, topics: new Map([["orders", partitions]]) };
  const table = { ...startState().table, kafka: new Map([["K1", entry]]) };
  const bootstrap = { levels: [], servers: [], lastResort: false };
  const lines = explainKafka({ topic: "orders", idc: "idc1" }, { cluster: "K1", bootstrap, table });
  expect(lines.at(-1)).toBe("Of its 6 partitions are led: 1 by nobody, 3 in idc1, 2 in idc2.");
});
