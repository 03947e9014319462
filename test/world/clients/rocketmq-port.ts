/**
 * The arbiter's RocketMQ port in a site, for a test that is not there. Each line over the socket is one call, and each line back
 * its outcome. Usage: rocketmq-port.ts SOCKET OPTIONS, which are JSON
 */
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { systemClock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { createLogger } from "#lib/log.ts";
import { createRocketmqPort, type RocketmqPortOptions } from "../../../arbiter/brokers/rocketmq.ts";
import { type Call, parseLine, printLine, type Reply } from "../rocketmq/port-lines.ts";

const [, , socketFile = "", options = ""] = process.argv;
const port = createRocketmqPort({
  ...(JSON.parse(options) as Omit<RocketmqPortOptions, "clock" | "log">),
  clock: systemClock,
  log: createLogger({ level: "debug", format: "pretty" }),
});
const { signal } = new AbortController();

createServer((socket) => {
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", (line) => {
    const call = parseLine<Call>(line);
    void carryOut(call).then((reply) => socket.write(printLine(reply)));
  });
}).listen(socketFile, () => console.log("ready"));

async function carryOut({ id, verb, args, timeoutMs }: Call): Promise<Reply> {
  const startedAt = performance.now();
  const tookMs = () => performance.now() - startedAt;
  try {
    const method = port[verb] as (...all: readonly unknown[]) => Promise<unknown>;
    const value = await method(...args, { timeoutMs, signal });
    return { id, value, tookMs: tookMs() };
  } catch (error) {
    return { id, error: messageOf(error), tookMs: tookMs() };
  }
}
