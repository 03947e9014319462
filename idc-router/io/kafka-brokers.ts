import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { createKafkaPeer, type KafkaPeer, type KafkaTls } from "#lib/kafka/peer.ts";
import type { Event } from "../core/events.ts";
import { createKafkaTurn } from "../core/kafka-turn.ts";
import type { Table } from "../core/model.ts";

/** One Kafka cluster's brokers: each is asked whether it lives and who else is there, and one of them for topics' leaders. */
export interface KafkaBrokersOptions {
  readonly cluster: string;
  /** Bootstrap servers of the config, of all IDCs. */
  readonly servers: readonly string[];
  readonly tls: KafkaTls | undefined;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly push: (event: Event) => void;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Within this each topic is asked for again. */
  readonly topicsEveryMs: number;
}

const clientId = "crossidc-router";
const brokersMax = 256;

/** Until the signal is aborted. */
export async function followKafkaBrokers(options: KafkaBrokersOptions, signal: AbortSignal): Promise<void> {
  const { cluster, servers, table, clock, push, everyMs, timeoutMs } = options;
  const peers = new Map<string, KafkaPeer>();
  const asking = new Set<string>();
  const turn = createKafkaTurn(options);

  async function ask(peer: KafkaPeer, topics: readonly string[]): Promise<void> {
    const { address } = peer;
    const askedAt = clock.now();
    try {
      const { brokers, topics: said } = await peer.metadata(topics, { timeoutMs, signal });
      push({ kind: "kafkaBrokers", cluster, address, askedAt, brokers });
      if (said.length > 0) push({ kind: "kafkaTopics", cluster, askedAt, topics: said });
    } catch (error) {
      if (signal.aborted) return;
      turn.unanswered(topics);
      push({ kind: "kafkaSilent", cluster, address, askedAt, detail: messageOf(error) });
    } finally {
      asking.delete(address);
    }
  }

  while (!signal.aborted) {
    const known = table().kafka.get(cluster)?.brokers ?? [];
    const addresses = [...new Set([...servers, ...known.map(({ address }) => address)])].slice(0, brokersMax);
    for (const [address, peer] of peers) {
      if (addresses.includes(address)) continue;
      peer.close();
      peers.delete(address);
    }
    // The first one that lives, as far as is known, tells of topics as well.
    const teller = known.find(({ available }) => available)?.address ?? addresses[0];
    for (const address of addresses) {
      if (asking.has(address)) continue;
      const peer = peers.get(address) ?? createKafkaPeer(address, { clientId, tls: options.tls });
      peers.set(address, peer);
      asking.add(address);
      void ask(peer, address === teller ? turn.next() : []);
    }
    await clock.sleep(everyMs, { signal }).catch(() => {});
  }
  for (const peer of peers.values()) peer.close();
}
