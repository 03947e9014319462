import { expect, test } from "vitest";
import { createKafkaTurn } from "./kafka-turn.ts";
import { createTestRouter } from "./router.fixture.ts";

/** Four topics of K1 and one elsewhere; all are asked for within two turns. */
function standing() {
  const router = createTestRouter();
  const topics = ["a", "b", "c", "d"];
  const homes = [...topics.map((topic) => ({ topic, cluster: "K1" })), { topic: "other", cluster: "C1" }];
  router.tell({ kind: "homes", homes: homes.map((home) => ({ ...home, zxid: 1n })) });
  const turn = createKafkaTurn({ cluster: "K1", table: () => router.table, everyMs: 1_000, topicsEveryMs: 2_000 });
  const tell = (...told: string[]) =>
    router.tell(
      { kind: "kafkaBrokers", cluster: "K1", address: "k1:9092", askedAt: router.now, brokers: [] },
      {
        kind: "kafkaTopics",
        cluster: "K1",
        askedAt: router.now,
        topics: told.map((topic) => ({ topic, partitions: [{ partition: 0, leader: 1 }] })),
      },
    );
  return { turn, tell };
}

test("topics that are not known yet are asked for at once, the others some at a time, each once in a round", () => {
  const { turn, tell } = standing();
  expect(turn.next()).toEqual(["a", "b", "c", "d"]);
  tell("a", "b", "c", "d");
  expect([turn.next(), turn.next(), turn.next()]).toEqual([
    ["a", "b"],
    ["c", "d"],
    ["a", "b"],
  ]);
});

test("topics that nobody has answered for come first the next time", () => {
  const { turn, tell } = standing();
  turn.unanswered(turn.next());
  expect(turn.next()).toEqual(["a", "b", "c", "d"]);
  tell("a", "b", "c", "d");
  turn.unanswered(turn.next());
  expect([turn.next(), turn.next()]).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
});
