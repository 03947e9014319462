import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { httpWords } from "./http-words.ts";
import type { Target } from "./messages.ts";
import { remotingWords } from "./remoting-words.ts";
import { noRoute, type Words } from "./words.ts";

/** Connections on each of which a fixed number of requests is always on its way, as long as there are any left. */
export interface Lanes {
  /** Of an answer, in the middle of the topics. */
  readonly bodyBytes: number;
  ask(requests: number): Promise<{ tookMs: number; latenciesMs: readonly number[]; wrong: number }>;
  close(): void;
}

interface Lane {
  readonly socket: Socket;
  begun: Buffer;
  /** Requests to be written. */
  ready: Buffer[];
  lastId: number;
  /** What waits for its answer, by the request's number. */
  readonly waiting: Map<number, { topic: number; sentAt: number }>;
}

const none = Buffer.alloc(0);

export async function openLanes(target: Target): Promise<Lanes> {
  const { protocol, address, connections, inFlight, topics, idc = "idc1" } = target;
  const words: Words = protocol === "http" ? httpWords(address, idc) : remotingWords();
  const [host = "", port = ""] = address.split(":");
  /** Of each topic, by its place: as its first answer had it. */
  const bodyBytesOf: (number | undefined)[] = [];
  let left = 0;
  let answered = 0;
  let wanted = 0;
  let wrong = 0;
  let nextTopic = 0;
  let latenciesMs = new Float64Array();
  let done = Promise.withResolvers<void>();
  let failure: Error | undefined;

  const lanes = await Promise.all(
    Array.from({ length: connections }, async (): Promise<Lane> => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      await once(socket, "connect");
      const lane: Lane = { socket, begun: none, ready: [], lastId: 0, waiting: new Map() };
      socket.on("data", (chunk: Buffer) => onChunk(lane, chunk));
      socket.on("close", () => onEnd(new Error("the server ended a connection")));
      socket.on("error", onEnd);
      return lane;
    }),
  );

  function onEnd(error: Error): void {
    failure = error;
    done.reject(error);
  }

  function send(lane: Lane): void {
    left -= 1;
    const topic = nextTopic;
    nextTopic = (nextTopic + 1) % topics.length;
    lane.lastId += 1;
    lane.waiting.set(lane.lastId, { topic, sentAt: performance.now() });
    lane.ready.push(words.request(topics[topic] ?? "", lane.lastId));
  }

  /** In one piece: the kernel charges by the piece. */
  function flush(lane: Lane): void {
    if (lane.ready.length === 0) return;
    lane.socket.write(Buffer.concat(lane.ready));
    lane.ready = [];
  }

  function onChunk(lane: Lane, chunk: Buffer): void {
    lane.begun = lane.begun.length === 0 ? chunk : Buffer.concat([lane.begun, chunk]);
    for (let answer = words.answer(lane.begun); answer !== undefined; answer = words.answer(lane.begun)) {
      lane.begun = lane.begun.subarray(answer.used);
      onAnswer(lane, answer.id, answer.bodyBytes);
    }
    flush(lane);
  }

  function onAnswer(lane: Lane, given: number | null, bodyBytes: number): void {
    const id = given ?? lane.waiting.keys().next().value;
    const asked = id === undefined ? undefined : lane.waiting.get(id);
    if (id === undefined || asked === undefined) {
      wrong += 1;
      return;
    }
    lane.waiting.delete(id);
    bodyBytesOf[asked.topic] ??= bodyBytes;
    if (bodyBytes === noRoute || bodyBytesOf[asked.topic] !== bodyBytes) wrong += 1;
    latenciesMs[answered] = performance.now() - asked.sentAt;
    answered += 1;
    if (left > 0) send(lane);
    else if (answered === wanted) done.resolve();
  }

  async function ask(requests: number) {
    if (failure !== undefined) throw failure;
    [left, wanted, answered, wrong] = [requests, requests, 0, 0];
    latenciesMs = new Float64Array(requests);
    done = Promise.withResolvers();
    const startedAt = performance.now();
    for (const lane of lanes) {
      for (let nth = 0; nth < inFlight && left > 0; nth += 1) send(lane);
      flush(lane);
    }
    await done.promise;
    return { tookMs: performance.now() - startedAt, latenciesMs: [...latenciesMs], wrong };
  }

  const first = await ask(topics.length);
  if (first.wrong > 0) throw new Error(`${first.wrong} of ${topics.length} topics have no route at ${address}`);
  return {
    bodyBytes:
      bodyBytesOf.filter((bytes) => bytes !== undefined).toSorted((one, other) => one - other)[
        Math.floor(topics.length / 2)
      ] ?? 0,
    ask,
    close() {
      for (const { socket } of lanes) {
        socket.removeAllListeners("close");
        socket.destroy();
      }
    },
  };
}
