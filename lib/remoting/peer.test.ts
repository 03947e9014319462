import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as afterIo } from "node:timers/promises";
import { expect, test } from "vitest";
import { silentLogger } from "../log.ts";
import { createManualClock } from "../zookeeper/testing/manual-clock.ts";
import { requestCodes } from "./codes.ts";
import { encodeFrame, frameLimits } from "./frame.ts";
import { answerEnvelope, success } from "./message.ts";
import { servePeer } from "./peer.ts";
import type { ServerLimits } from "./server-options.ts";

const frameWholeMs = 1_000;

test("the time that a large frame waits for its turn does not count against its peer", async () => {
  const clock = createManualClock();
  const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  const counters = { halfFrames: 0 } as Parameters<typeof servePeer>[1]["counters"];
  const peer = servePeer(socket as Socket, {
    listen: "",
    id: 1,
    isTls: false,
    limits: { ...frameLimits, frameWholeMs } as ServerLimits,
    counters,
    turns: { took: (waiting) => void waiting.pause() },
    context: () => undefined,
    onRequest: () => success(),
    onPending: () => {},
    onEnd: () => {},
    clock,
    log: silentLogger,
    signal: new AbortController().signal,
  });
  const endIfStuck = async (afterMs: number): Promise<boolean> => {
    await clock.advance(afterMs);
    peer.endIfStuck(clock.now());
    return !peer.open;
  };
  socket.push(large.subarray(0, 200_000));
  await afterIo();
  expect(socket.isPaused()).toBe(true);
  expect(await endIfStuck(60 * frameWholeMs)).toBe(false);
  socket.resume();
  await afterIo();
  expect(await endIfStuck(0.9 * frameWholeMs)).toBe(false);
  expect(await endIfStuck(0.2 * frameWholeMs)).toBe(true);
  expect(counters.halfFrames).toBe(1);
});

const large = encodeFrame(
  {
    ...answerEnvelope,
    code: requestCodes.CONTROLLER_GET_REPLICA_INFO,
    opaque: 1,
    serialize: "json",
    isResponse: false,
    isOneway: false,
    remark: undefined,
    fields: {},
    body: new Uint8Array(1_000_000),
  },
  frameLimits,
);
