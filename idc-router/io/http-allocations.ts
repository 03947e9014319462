import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type AllocationQueue, allocate } from "#lib/allocation.ts";
import { messageOf } from "#lib/errors.ts";
import { type KafkaEntry, permissions } from "../core/model.ts";
import { type AllocationReport, allocationLimits, allocationRequestSchema } from "./api.ts";
import type { RouterHttpOptions } from "./http.ts";
import { badRequest, idcOfCaller, ipOfCaller } from "./http-errors.ts";

export const allocationsPath = "/v1/allocations";
const lookUpMsMax = 5_000;

/** Which consumer reads which queue, for clients in other languages. Nothing is kept: whoever leads the group asks. */
export function allocationRoutes(http: FastifyInstance, options: RouterHttpOptions): void {
  const { daemon } = options;

  http.post(
    allocationsPath,
    { bodyLimit: allocationLimits.bodyBytesMax },
    async (request): Promise<AllocationReport> => {
      const parsed = allocationRequestSchema.safeParse(request.body);
      if (!parsed.success) throw badRequest("RTR_BAD_ALLOCATION", z.prettifyError(parsed.error), "See /openapi.json");
      const { topic, queues, consumers, group, by, ip } = parsed.data;
      const host = ipOfCaller(request, ip);
      if (group !== undefined && by !== undefined) {
        // Where it does not say where it is, its address does.
        const idc = consumers.find(({ id }) => id === by)?.idc || idcOfCaller(request, undefined, options);
        options.clients.allocated({ topic: topic ?? "", group, id: by, idc }, consumers, daemon.moment().now);
      }
      const all = queues ?? (await queuesOfTopic({ topic: topic ?? "", host }, options));
      try {
        const allocation = Object.fromEntries(
          allocate(all, consumers)
            .entries()
            .map(([id, ids]) => [id, [...ids]]),
        );
        return { revision: daemon.table.revision, allocation };
      } catch (error) {
        throw badRequest("RTR_BAD_ALLOCATION", messageOf(error), "Name each queue and each consumer once");
      }
    },
  );
}

/** Those that can be read, each with the IDC of its set's master. @throws {OperatorError} RTR_NO_TOPIC, answered with 404 */
async function queuesOfTopic(
  { topic, host }: { readonly topic: string; readonly host: string },
  { texts, lookUp, daemon }: RouterHttpOptions,
): Promise<readonly AllocationQueue[]> {
  // Which IDC asks changes the order of brokers only.
  const plain = { topic, idc: "", use: "consume" } as const;
  if (texts.of(texts.keyFor(plain, host)) === undefined) await lookUp(topic, AbortSignal.timeout(lookUpMsMax));
  const key = texts.keyFor(plain, host);
  const kafka = texts.kafkaOf(key);
  if (kafka !== undefined) return partitionsOf(topic, daemon.table.kafka.get(kafka.cluster));
  const answer = texts.of(key)?.answer;
  if (answer === undefined || answer === null) {
    const hint = "Create it, or give its queues under queues";
    throw badRequest("RTR_NO_TOPIC", `No cluster knows the topic ${JSON.stringify(topic)}`, hint, 404);
  }
  return answer.brokers
    .filter(({ queue }) => (queue.perm & permissions.read) !== 0)
    .flatMap(({ queue, set }) =>
      Array.from({ length: queue.readQueues }, (_, nth) => ({ id: `${set.set}:${nth}`, idc: set.idc })),
    );
}

/** A Kafka topic's, each with the IDC of its leader. @throws {OperatorError} RTR_NO_TOPIC, answered with 404 */
function partitionsOf(topic: string, entry: KafkaEntry | undefined): readonly AllocationQueue[] {
  const partitions = entry?.topics.get(topic);
  if (entry === undefined || partitions === undefined) {
    const hint = "Give its partitions under queues: its cluster knows their leaders";
    throw badRequest("RTR_NO_TOPIC", `No broker has told of the Kafka topic ${JSON.stringify(topic)} yet`, hint, 404);
  }
  const idcs = new Map(entry.brokers.map(({ id, idc }) => [id, idc]));
  return partitions.map(({ partition, leader }) => ({ id: String(partition), idc: idcs.get(leader) ?? "" }));
}
