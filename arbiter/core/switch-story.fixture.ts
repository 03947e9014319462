import { pauseKey, policyKey, setKey, switchKey } from "./keys.ts";
import { type MoveWish, planMoves } from "./moves.ts";
import { encodePause, encodeSet, encodeSwitch } from "./records.ts";
import { addresses, begunElsewhere, first, name, startWall } from "./switch-story-text.fixture.ts";
import { createSwitchWorld, type SwitchWorld } from "./switch-story-world.fixture.ts";

/**
 * Stories of a planned switch as plain text, around a real core at idc1, a ledger in memory, and brokers 1 and 3 (idc1) and 2 (idc2)
 * of C1/bs1, of which 1 is master of epoch 7. A step is what happened, `----`, and what the core did then; `====` stands between
 * steps. What the core asks a broker waits until a line says how it ends. A line takes 1 ms.
 */
export interface SwitchTeller {
  tell(happened: readonly string[]): string[];
}

export function createSwitchTeller(): SwitchTeller {
  const world = createSwitchWorld();
  const forms: readonly (readonly [RegExp, (...found: string[]) => void])[] = [
    [
      /^an operator switches to (\S+)(, to try)?$/,
      (to, dryRun) => {
        const request = { kind: "switch", set: name, to, reason: "an upgrade", dryRun: dryRun !== undefined } as const;
        world.operate(request);
      },
    ],
    [
      /^an operator (drains|undrains) broker (\d)$/,
      (verb, id) => {
        const drained = verb === "drains";
        const request = { kind: "drainBroker", set: name, broker: Number(id), drained, reason: "an upgrade" } as const;
        world.operate(request);
      },
    ],
    [
      /^an operator (drains|activates) (idc\d)$/,
      (verb, idc) => {
        const state = verb === "drains" ? "drained" : "active";
        world.operate({ kind: "idc", idc, state, reason: "a power cut" });
      },
    ],
    [
      /^which masters move (home|away from (idc\d)|away from broker (\d))\?$/,
      (where, idc, id) => {
        const wish: MoveWish =
          where === "home"
            ? { kind: "preferred" }
            : idc === undefined
              ? { kind: "away-from-broker", set: name, id: Number(id) }
              : { kind: "away-from-idc", idc };
        const { moves, stays } = planMoves(wish, world.core.context(world.moment()));
        for (const { from, to, why } of moves) world.say(`move: ${from} to ${to}: ${why}`);
        for (const { master, why } of stays) world.say(`stays: ${master}: ${why}`);
        if (moves.length + stays.length === 0) world.say("none moves");
      },
    ],
    [
      /^the policy prefers (idc\d)$/,
      (idc) => world.write(policyKey, JSON.stringify({ policies: [{ match: "*", preferIdcs: [idc] }] })),
    ],
    [
      /^the policy prefers (idc\d), and returns after (\d+) ms$/,
      (idc, ms) => {
        const policy = { match: "*", preferIdcs: [idc], returnAfterMs: Number(ms) };
        world.write(policyKey, JSON.stringify({ policies: [policy] }));
      },
    ],
    [
      /^mqadmin elects (\d)$/,
      (id) => {
        const request = { kind: "electMaster", cluster: "C1", set: "bs1", id: Number(id), designate: true } as const;
        world.ask(99, request);
      },
    ],
    [
      /^(\d) asks for a master$/,
      (id) => {
        const request = { kind: "electMaster", cluster: "C1", set: "bs1", id: Number(id), designate: false } as const;
        world.ask(Number(id), request);
      },
    ],
    [
      /^(\d) is read at (\d+)(, not as master)?$/,
      (id, end, idle) => {
        const { broker, sentAt } = world.take("probe", Number(id));
        const reading = { epoch: 7, maxOffset: BigInt(end) };
        const isActing = idle === undefined && broker.id === world.record().master;
        world.feed({ kind: "probed", broker, sentAt, outcome: { kind: "answered", reading, acting: isActing } });
      },
    ],
    [
      /^a probe of (\d) (times out|is refused)$/,
      (id, how) => {
        const { broker, sentAt } = world.take("probe", Number(id));
        const kind = how === "times out" ? "timedOut" : "refused";
        world.feed({ kind: "probed", broker, sentAt, outcome: { kind, detail: "" } });
      },
    ],
    [/^(\d) has minInSyncReplicas (\d+)$/, (id, value) => void world.settings.set(Number(id), Number(value))],
    [
      /^(\d) tells its settings$/,
      (id) => {
        const { broker, sentAt } = world.take("readSettings", Number(id));
        const minInSyncReplicas = world.settings.get(Number(id)) ?? 1;
        const others = { allAckInSyncStateSet: false, flushDiskType: "ASYNC_FLUSH", brokerPermission: 6, spins: false };
        world.feed({ kind: "settingsSeen", broker, sentAt, settings: { ...others, minInSyncReplicas } });
      },
    ],
    [/^the time for the barrier comes$/, () => world.untilBarrier()],
    [
      /^(\d) refuses messages$/,
      (id) => {
        const { broker, minInSyncReplicas } = world.take("raiseBarrier", Number(id));
        world.settings.set(broker.id, minInSyncReplicas);
        world.feed({ kind: "barrierRaised", broker, minInSyncReplicas, ok: true, detail: "" });
      },
    ],
    [
      /^(\d) does not answer its barrier$/,
      (id) => {
        const { broker, minInSyncReplicas } = world.take("raiseBarrier", Number(id));
        world.feed({ kind: "barrierRaised", broker, minInSyncReplicas, ok: false, detail: "no answer in 1500 ms" });
      },
    ],
    [
      /^(\d) has its settings again$/,
      (id) => {
        const { broker, minInSyncReplicas } = world.take("lowerBarrier", Number(id));
        world.settings.set(broker.id, minInSyncReplicas);
        world.feed({ kind: "barrierLowered", broker, minInSyncReplicas, ok: true, detail: "" });
      },
    ],
    [
      /^(\d) does not get its settings$/,
      (id) => {
        const { broker, minInSyncReplicas } = world.take("lowerBarrier", Number(id));
        world.feed({ kind: "barrierLowered", broker, minInSyncReplicas, ok: false, detail: "no answer in 1500 ms" });
      },
    ],
    [
      /^(\d) says that it (is a replica now|is still master)$/,
      (id, what) => {
        const { broker, sentAt } = world.take("readRole", Number(id));
        world.feed({ kind: "roleSeen", broker, sentAt, isMaster: what === "is still master" });
      },
    ],
    [
      /^(\d) answers its 1008$/,
      (id) => {
        const { broker, info } = world.take("notify", Number(id));
        world.feed({ kind: "notified", broker, epoch: info.epoch, answered: true, detail: "" });
      },
    ],
    [
      /^the route shows (\d)$/,
      (id) =>
        world.feed({
          kind: "routeSeen",
          set: name,
          sentAt: world.moment().now,
          master: addresses[Number(id)] ?? null,
        }),
    ],
    [/^(\d) falls silent$/, (id) => void world.silent.add(Number(id))],
    [/^(\d) closes its connection$/, (id) => world.feed({ kind: "closed", connection: Number(id) })],
    [/^(\d+) ms pass$/, (ms) => world.pass(Number(ms))],
    [/^etcd is (slow|away|there)$/, (how) => world.ledgerIs(how as Parameters<SwitchWorld["ledgerIs"]>[0])],
    [/^the watch tells of it first$/, () => world.watchTells()],
    [
      /^the answer is given up$/,
      () => {
        world.giveUp();
      },
    ],
    [/^failover is paused$/, () => world.write(pauseKey, encodePause({ reason: "work", at: startWall, until: null }))],
    [/^an operator resumes$/, () => world.operate({ kind: "resume", reason: "done" })],
    [/^in sync: ([\d, ]+)$/, (list) => world.changeRecord({ inSync: list.split(", ").map(Number), inSyncEpoch: 21 })],
    [
      /^another site has begun a switch to (\d)$/,
      (to) => world.write(switchKey(name), encodeSwitch(begunElsewhere(Number(to)))),
    ],
    [/^another site decides for (\d), and this one is not told$/, (to) => world.decideElsewhere(Number(to))],
    [
      /^another site wrote the set before that, and this one is told late$/,
      () => {
        world.tellEarlier(setKey(name), encodeSet({ ...first, inSyncEpoch: 21 }));
      },
    ],
    [
      /^this site is told$/,
      () => {
        world.tellAll();
      },
    ],
    [
      /^another site makes (\d) master of epoch (\d+)$/,
      (id, epoch) =>
        world.changeRecord({ master: Number(id), epoch: Number(epoch), inSyncEpoch: 30, inSync: [Number(id)] }),
    ],
  ];

  return {
    tell(happened) {
      for (const line of happened.filter((one) => !one.startsWith("#"))) {
        world.step();
        const form = forms.find(([pattern]) => pattern.test(line));
        if (form === undefined) throw new Error(`Cannot read the line ${JSON.stringify(line)} of a story`);
        form[1](...(form[0].exec(line)?.slice(1) ?? []));
      }
      const told = world.takeTold();
      return told.length > 0 ? told : ["nothing"];
    },
  };
}
