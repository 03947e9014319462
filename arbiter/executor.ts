import { assert } from "#lib/assert.ts";
import type { Instant } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { BrokerPort } from "./brokers/broker.ts";
import type { AskId, BrokerRef, Command, Event, ProbeOutcome } from "./core/events.ts";
import type { SetName } from "./core/model.ts";
import type { OperatorAnswer } from "./core/operator-messages.ts";
import type { DaemonDeps } from "./daemon.ts";
import type { Door } from "./io/door.ts";

/** A role change may wait for an HA client that sits out its 5 s. */
const notifyTimeoutMs = 8_000;
const callTimeoutMs = 1_500;
const canaryTimeoutMs = 3_000;

/** Carries a command out, and lets its outcome come back as an event. Never waits: the loop goes on. */
export function createExecutor(
  { brokers, reaches, onHappened, ledger, clock, log, metrics, options }: DaemonDeps,
  io: {
    push(event: Event): void;
    operators: ReadonlyMap<AskId, (answer: OperatorAnswer) => void>;
    door: Door;
    signal: AbortSignal;
  },
): (command: Command) => void {
  const { push, operators, door, signal } = io;
  const background = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (!signal.aborted) log.error({ error: messageOf(error) }, "a command failed in a way nobody expected");
    });
  };
  const call = { timeoutMs: callTimeoutMs, signal };
  const { probeTimeoutMs } = options.timing;
  const portOf = (set: SetName): BrokerPort => {
    const port = brokers(nameOf(set).cluster);
    assert(port !== undefined, "the core decides only over clusters of the config");
    return port;
  };
  const addressOf = ({ address }: BrokerRef): string => address;

  return (command) => {
    switch (command.kind) {
      case "answer":
        door.answer(command.ask, command.answer);
        metrics.answered(command.answer);
        return;
      case "answerOperator":
        operators.get(command.ask)?.(command.answer);
        return;
      case "commit":
        background(commit(command.token, command.transaction));
        return;
      case "probe":
        background(probe(command.broker, command.sentAt));
        return;
      case "probeSite":
        background(
          reaches(command.controller, { timeoutMs: callTimeoutMs, signal }).then((reached) => {
            push({ kind: "siteProbed", site: command.site, reached });
          }),
        );
        return;
      case "notify": {
        const { broker, info, deposed, mayBeNew } = command;
        const to = { id: broker.id, info, deposed, mayBeNew };
        background(
          portOf(broker.set)
            .notify(addressOf(broker), to, { timeoutMs: notifyTimeoutMs, signal })
            .catch((error: unknown) => ({ answered: false, detail: messageOf(error) }))
            .then((result) => {
              push({ kind: "notified", broker, epoch: info.epoch, ...result });
            }),
        );
        return;
      }
      case "readRoute":
        background(readRoute(command.set, command.sentAt));
        return;
      case "canary":
        background(
          portOf(command.set)
            .canary(command.address, nameOf(command.set).set, { timeoutMs: canaryTimeoutMs, signal })
            .catch((error: unknown) => ({ ok: false, detail: messageOf(error) }))
            .then((result) => push({ kind: "canaried", set: command.set, epoch: command.epoch, ...result })),
        );
        return;
      case "readInSync":
        background(
          portOf(command.set)
            .inSyncCount(command.address, call)
            .then(
              (count) => push({ kind: "inSyncSeen", set: command.set, inSyncEpoch: command.inSyncEpoch, count }),
              (error: unknown) => log.debug({ set: command.set, error: messageOf(error) }, "in-sync count not read"),
            ),
        );
        return;
      case "readSettings": {
        const { broker, sentAt } = command;
        background(
          portOf(broker.set)
            .settings(addressOf(broker), call)
            .then((settings) => push({ kind: "settingsSeen", broker, sentAt, settings })),
        );
        return;
      }
      case "readRole": {
        const { broker, sentAt } = command;
        background(
          portOf(broker.set)
            .isMaster(addressOf(broker), call)
            .then((isMaster) => push({ kind: "roleSeen", broker, sentAt, isMaster })),
        );
        return;
      }
      case "raiseBarrier": {
        const { broker, minInSyncReplicas } = command;
        background(
          portOf(broker.set)
            .raiseBarrier(addressOf(broker), { minInSyncReplicas }, call)
            .catch((error: unknown) => ({ ok: false, detail: messageOf(error) }))
            .then((result) => push({ kind: "barrierRaised", broker, minInSyncReplicas, ...result })),
        );
        return;
      }
      case "lowerBarrier": {
        const { broker, minInSyncReplicas, brokerPermission } = command;
        background(
          portOf(broker.set)
            .lowerBarrier(addressOf(broker), { minInSyncReplicas, brokerPermission }, call)
            .catch((error: unknown) => ({ ok: false, detail: messageOf(error) }))
            .then((result) => push({ kind: "barrierLowered", broker, minInSyncReplicas, ...result })),
        );
        return;
      }
      case "reregister":
        background(
          portOf(command.broker.set)
            .reregister(addressOf(command.broker), call)
            .catch((error: unknown) => {
              log.warn(
                { broker: command.broker, error: messageOf(error) },
                "broker could not be made to register again",
              );
            }),
        );
        return;
      case "happened":
        onHappened(command.happened);
        return;
      case "note":
        log[command.level](command.fields, command.sentence);
        metrics.noted(command.sentence, command.fields);
        return;
    }
  };

  async function commit(
    token: number,
    transaction: Extract<Command, { kind: "commit" }>["transaction"],
  ): Promise<void> {
    const sentAt = clock.now();
    try {
      const outcome = await ledger.commit(transaction, { signal });
      const tookMs = clock.now() - sentAt;
      metrics.committed(outcome.kind, tookMs);
      if (outcome.kind === "committed") push({ kind: "committed", token, revision: outcome.revision, tookMs });
      else push({ kind: "outdated", token, entries: outcome.entries, revision: outcome.revision, tookMs });
    } catch (error) {
      metrics.committed("unanswered", clock.now() - sentAt);
      push({ kind: "unanswered", token, detail: messageOf(error) });
    }
  }

  async function probe(broker: BrokerRef, sentAt: Instant): Promise<void> {
    const outcome = await portOf(broker.set)
      .probe(broker.address, { timeoutMs: probeTimeoutMs, signal })
      .catch((error: unknown): ProbeOutcome => ({ kind: "untried", detail: messageOf(error) }));
    if (outcome.kind === "untried" && !signal.aborted) {
      log.error({ broker, detail: outcome.detail }, "a broker cannot be probed from here");
    }
    push({ kind: "probed", broker, sentAt, outcome });
  }

  async function readRoute(set: SetName, sentAt: Instant): Promise<void> {
    const { cluster, set: name } = nameOf(set);
    const master = await portOf(set)
      .routedMaster(cluster, name, call)
      .catch(() => null);
    push({ kind: "routeSeen", set, sentAt, master });
  }
}

function nameOf(name: SetName): { cluster: string; set: string } {
  const [cluster = "", set = ""] = name.split("/");
  return { cluster, set };
}
