import type { HookConfig } from "#config/arbiter-hooks.ts";
import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { createQueue } from "#lib/queue.ts";
import type { Happened } from "../core/events.ts";
import type { ArbiterMetrics } from "../metrics.ts";
import { openTarget } from "./target.ts";

/** Tells others what happens to sets. Each hook has its own queue and its own time; none of them is waited for. */
export interface Hooks {
  /** Queues at once, or drops. */
  tell(happened: Happened): void;
  /** Until the signal is aborted; what waits by then is not told. */
  run(signal: AbortSignal): Promise<void>;
}

export interface HooksDeps {
  readonly hooks: readonly HookConfig[];
  readonly environment: string;
  readonly site: string;
  readonly credentialsDirectory: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly series: ArbiterMetrics["series"];
}

/** Of one event. Between two tries it waits, twice as long after the second. */
const triesMax = 3;
const tryAgainMs = 1_000;

/** @throws {OperatorError} when a credential cannot be read */
export function createHooks(deps: HooksDeps): Hooks {
  const opened = deps.hooks.map((config) => openHook(config, deps));
  return {
    tell(happened) {
      for (const hook of opened) hook.tell(happened);
    },
    async run(signal) {
      await Promise.all(opened.map((hook) => hook.run(signal)));
    },
  };
}

function openHook(config: HookConfig, deps: HooksDeps): Hooks {
  const { name, events, timeoutMs, queueMax } = config;
  const { environment, site, clock, log, series } = deps;
  const target = openTarget(config, deps);
  const queue = createQueue<Happened>(queueMax);
  let underWay = 0;
  const count = (event: Happened["event"], outcome: "done" | "failed" | "dropped"): void =>
    series.add("idc_arbiter_hook_events_total", { hook: name, event, outcome }, 1);
  const showQueue = (): void => series.set("idc_arbiter_hook_queue", { hook: name }, queue.length + underWay);
  showQueue();

  async function deliver(happened: Happened, signal: AbortSignal): Promise<void> {
    const body = bodyOf(happened, { environment, site });
    const fields = { hook: name, target: target.label, id: happened.id };
    for (let tries = 1; ; tries += 1) {
      const startedAt = clock.now();
      try {
        await target.send(body, happened.id, { timeoutMs, signal });
        count(happened.event, "done");
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isLast = tries === triesMax;
        log.warn({ ...fields, tries, error: messageOf(error) }, isLast ? "hook given up" : "hook failed");
        if (isLast) return count(happened.event, "failed");
      } finally {
        series.observe("idc_arbiter_hook_duration_seconds", { hook: name }, (clock.now() - startedAt) / 1_000);
      }
      await clock.sleep(tryAgainMs * tries, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  return {
    tell(happened) {
      if (!events.includes(happened.event)) return;
      if (!queue.push(happened)) {
        count(happened.event, "dropped");
        log.warn({ hook: name, id: happened.id, queueMax }, "hook's queue is full: an event is dropped");
      }
      showQueue();
    },
    async run(signal) {
      for await (const happened of queue.drain(signal)) {
        underWay = 1;
        await deliver(happened, signal);
        underWay = 0;
        showQueue();
      }
    },
  };
}

function bodyOf(happened: Happened, from: { readonly environment: string; readonly site: string }): string {
  return JSON.stringify({ schema: 1, ...from, ...happened, at: new Date(happened.at).toISOString() });
}
