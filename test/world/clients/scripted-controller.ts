/**
 * A controller door that says what a test tells it to say. Each line over the socket is a ScriptLine; each line back is null, as it
 * is so from now on; or the role change, for an order. Usage: scripted-controller.ts SOCKET HOST:PORT
 */
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { systemClock } from "#lib/clock.ts";
import { createLogger } from "#lib/log.ts";
import type { MasterInfo } from "../../../arbiter/core/controller-messages.ts";
import { timing } from "../../../arbiter/core/timing.fixture.ts";
import { openDoor } from "../../../arbiter/io/door.ts";
import { createScript, type ScriptLine } from "../../simulation/arbiter/stock/script.ts";

const [, , socketFile = "", listen = ""] = process.argv;
const { signal } = new AbortController();
const script = createScript(listen);
let asks = 0;

const door = await openDoor({
  listen,
  adminCidrs: [],
  timing,
  nextAsk: () => ++asks,
  clock: systemClock,
  log: createLogger({ level: "debug", format: "pretty" }),
  onEvent(event) {
    // The door waits for the answer only once it has told of the question.
    if (event.kind === "asked") queueMicrotask(() => door.answer(event.ask, script.answer(event.request)));
  },
  onAudit: () => {},
  signal,
});

createServer((socket) => {
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", (line) => {
    socket.write(`${JSON.stringify(follow(JSON.parse(line) as ScriptLine))}\n`);
  });
}).listen(socketFile, () => console.log("ready"));

function follow(line: ScriptLine): MasterInfo | null {
  if ("hush" in line) {
    script.hush();
    return null;
  }
  const { master, epoch, order } = line;
  if (order && master !== null) return script.order(master, epoch);
  script.say(master, epoch);
  return null;
}
