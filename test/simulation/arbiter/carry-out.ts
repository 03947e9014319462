import type { ControllerAnswer } from "../../../arbiter/core/controller-messages.ts";
import type { Command, Event } from "../../../arbiter/core/events.ts";
import { timing } from "../../../arbiter/core/timing.fixture.ts";
import type { Net, Site } from "./net.ts";
import type { Surroundings } from "./virtual-broker.ts";
import type { VirtualEtcd } from "./virtual-etcd.ts";

/** What the shell does, in the virtual world: each command's outcome comes back as an event, if anybody is left to hear it. */
export interface Shell {
  readonly site: Site;
  readonly net: Net;
  readonly etcd: VirtualEtcd;
  readonly brokers: Pick<Surroundings, "brokerAt" | "route">;
  isSiteUp(site: Site): boolean;
  note(text: string): void;
  back(event: Event): void;
  /** In this process: late when it stands still, never when it dies. */
  later(ms: number, task: () => void): void;
  answer(ask: number, answer: ControllerAnswer): void;
}

const callMsMax = 1_500;
const notifyMsMax = 8_000;
/** As in brokers/rocketmq/notify.ts: what waited longer for its connection is not sent. */
const notifySendMsMax = 1_000;
const dialMsMax = 40;

export function carryOut(command: Command, shell: Shell): void {
  const { site, net, back } = shell;
  const { timeline, random } = net;
  const brokerAt = shell.brokers.brokerAt;
  switch (command.kind) {
    case "answer":
      shell.answer(command.ask, command.answer);
      return;
    case "answerOperator":
      shell.note(`${site} operator: ${JSON.stringify(command.answer)}`);
      return;
    case "commit": {
      const { token, transaction } = command;
      shell.etcd.commit(site, transaction, (outcome) => {
        if (outcome === "unanswered") back({ kind: "unanswered", token, detail: "" });
        else if (outcome.kind === "committed") back({ ...outcome, token, tookMs: 0 });
        else back({ ...outcome, token, tookMs: 0 });
      });
      return;
    }
    case "probe": {
      const { broker, sentAt } = command;
      const end = once((event: Event) => back(event));
      timeline.after(timing.probeTimeoutMs, () =>
        end({ kind: "probed", broker, sentAt, outcome: { kind: "timedOut", detail: "" } }),
      );
      brokerAt(broker.address)?.probe(site, (outcome) => end({ kind: "probed", broker, sentAt, outcome }));
      return;
    }
    case "probeSite": {
      const to = command.site as Site;
      net.send(site, to, () => {
        if (shell.isSiteUp(to)) net.send(to, site, () => back({ kind: "siteProbed", site: to, reached: true }));
      });
      return;
    }
    case "notify": {
      const { broker, info, mayBeNew } = command;
      const end = once((answered: boolean) =>
        back({ kind: "notified", broker, epoch: info.epoch, answered, detail: "" }),
      );
      timeline.after(notifyMsMax, () => end(false));
      const askedAt = timeline.now;
      const send = (): void => {
        if (timeline.now - askedAt > notifySendMsMax) end(false);
        else brokerAt(broker.address)?.notify(site, { info, mayBeNew }, end);
      };
      if (random.chance(0.7)) send();
      else shell.later(random.int(1, dialMsMax), send);
      return;
    }
    case "readRoute":
      timeline.after(random.int(2, 30), () =>
        back({ kind: "routeSeen", set: command.set, sentAt: command.sentAt, master: shell.brokers.route.master }),
      );
      return;
    case "canary": {
      const { set, epoch, address } = command;
      const broker = brokerAt(address);
      timeline.after(random.int(5, 40), () => {
        const ok = broker?.role === "master" && broker.state === "up" && isThere(shell, broker.site);
        back({ kind: "canaried", set, epoch, ok, detail: "read back" });
      });
      return;
    }
    case "readInSync": {
      const { set, inSyncEpoch, address } = command;
      const broker = brokerAt(address);
      timeline.after(random.int(2, 30), () => {
        if (broker?.state !== "up" || !isThere(shell, broker.site)) return;
        back({ kind: "inSyncSeen", set, inSyncEpoch, count: broker.inSyncCount() });
      });
      return;
    }
    case "readSettings": {
      const { broker, sentAt } = command;
      const end = once((event: Event) => back(event));
      timeline.after(callMsMax, () => end({ kind: "settingsSeen", broker, sentAt, settings: null }));
      const others = { flushDiskType: "ASYNC_FLUSH", brokerPermission: 6, spins: false };
      brokerAt(broker.address)?.settings(site, ({ minInSync, allAck }) =>
        end({
          kind: "settingsSeen",
          broker,
          sentAt,
          settings: { ...others, minInSyncReplicas: minInSync, allAckInSyncStateSet: allAck },
        }),
      );
      return;
    }
    case "readRole": {
      const { broker, sentAt } = command;
      const end = once((isMaster: boolean | null) => back({ kind: "roleSeen", broker, sentAt, isMaster }));
      timeline.after(callMsMax, () => end(null));
      brokerAt(broker.address)?.isMaster(site, end);
      return;
    }
    case "raiseBarrier":
    case "lowerBarrier": {
      const { broker, minInSyncReplicas } = command;
      const kind = command.kind === "raiseBarrier" ? "barrierRaised" : "barrierLowered";
      const end = once((ok: boolean) => back({ kind, broker, minInSyncReplicas, ok, detail: "" }));
      timeline.after(callMsMax, () => end(false));
      brokerAt(broker.address)?.change(site, minInSyncReplicas, kind === "barrierLowered", () => end(true));
      return;
    }
    case "reregister": {
      const broker = brokerAt(command.broker.address);
      net.send(site, broker?.site ?? site, () => broker?.reregister());
      return;
    }
    case "happened":
      return;
    case "note":
      shell.note(`${site} ${command.sentence} ${JSON.stringify(command.fields)}`);
      return;
  }
}

function isThere({ net, site }: Shell, other: Site): boolean {
  return net.passes(site, other) && net.passes(other, site);
}

function once<Value>(act: (value: Value) => void): (value: Value) => void {
  let over = false;
  return (value) => {
    if (over) return;
    over = true;
    act(value);
  };
}
