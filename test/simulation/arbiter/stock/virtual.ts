import { createRandom } from "../../random.ts";
import { createTimeline } from "../../timeline.ts";
import { createNet } from "../net.ts";
import { places } from "../places.ts";
import { type Broker, createVirtualBroker, type Surroundings } from "../virtual-broker.ts";
import { cluster, createScript, set } from "./script.ts";
import type { StoryWorld } from "./story.ts";

/** What brokers do by themselves after all that is told them has come true by then. */
const settleMs = 90_000;
const answerMs = 3_000;
const changeMs = 10_000;

/** Two brokers of the simulation, and time enough after each event. */
export function virtualWorld(seed: number): StoryWorld {
  const timeline = createTimeline();
  const net = createNet(timeline, createRandom(seed));
  const script = createScript("idc1:9878");
  const brokers: Broker[] = [];
  let connections = 0;
  const around: Surroundings = {
    net,
    set,
    cluster,
    acksAlone: false,
    route: { master: null, epoch: 0 },
    door: () => ({
      push: () => {},
      ask: (request, _connection, answer) => answer(script.answer(request)),
    }),
    brokerAt: (address) => brokers.find((broker) => broker.address === address),
    nextConnection: () => ++connections,
  };
  for (const place of places.slice(0, 2)) brokers.push(createVirtualBroker(place, around));
  const brokerOf = (name: string): Broker => {
    const broker = brokers[Number(name) - 1];
    if (broker === undefined) throw new Error(`there is no broker ${name}`);
    return broker;
  };
  const pass = (ms: number): void => {
    const until = timeline.now + ms;
    let isOver = false;
    timeline.after(ms, () => {
      isOver = true;
    });
    while (!isOver && timeline.now <= until && timeline.runNext());
  };
  let messages = 0;
  return {
    start: async (name) => brokerOf(name).start(),
    kill: async (name) => brokerOf(name).kill(),
    say: async (master, epoch) => script.say(master, epoch),
    hush: async () => script.hush(),
    async tell(name, master, epoch) {
      brokerOf(name).notify("idc1", { info: script.order(master, epoch), mayBeNew: false }, () => {});
      pass(answerMs);
    },
    async send(name) {
      const broker = brokerOf(name);
      const before = broker.log.length;
      let acked = false;
      messages += 1;
      broker.send(`m${messages}`, () => {
        acked = true;
      });
      pass(answerMs);
      return acked ? "acknowledged" : broker.log.length > before ? "stored, not safe" : "refused";
    },
    async setMinInSync(name, count) {
      brokerOf(name).change("idc1", count, false, () => {});
      pass(changeMs);
    },
    settle: async () => pass(settleMs),
    async look(name) {
      const broker = brokerOf(name);
      if (broker.state === "down") return undefined;
      const reading = await new Promise<{ epoch: number; maxOffset: bigint; acting: boolean }>((resolve, reject) => {
        broker.probe("idc1", (outcome) => {
          if (outcome.kind === "answered" && outcome.reading !== null)
            resolve({ ...outcome.reading, acting: outcome.acting });
          else reject(new Error(`broker ${name} ${outcome.kind}`));
        });
        pass(answerMs);
      });
      const { acting: master, epoch, maxOffset: end } = reading;
      const byRole = await new Promise<boolean>((resolve) => {
        broker.isMaster("idc1", resolve);
        pass(answerMs);
      });
      return { master, byRole, epoch, end, inSync: master && byRole ? broker.inSyncCount() : null };
    },
  };
}
