import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { eventually } from "../../../test/integration/harness/eventually.ts";
import type { Context } from "../../core/context.ts";
import type { Event } from "../../core/events.ts";
import { createStanding } from "../../io/testing/standing.ts";
import { createFakeMembers } from "../testing/fake-member.ts";
import type { MemberReading } from "./member.ts";
import { watchMembers } from "./watch.ts";

const withinMs = 5_000;

/** Members whose answers a test gives. The site's core has a set C1/bs1 of its own with brokers 1, 2 and 3. */
async function openWatch() {
  await using stack = new AsyncDisposableStack();
  const members = stack.use(await createFakeMembers({ 1: "10.1.0.21:10911" }, { probeEveryMs: 200 }));
  const standing = createStanding();
  const events: Event[] = [];
  const answers: { next: MemberReading | Error } = { next: answered({}) };
  const stop = new AbortController();
  const watching = watchMembers(
    {
      cluster: members.cluster,
      port: {
        read: async () => {
          if (answers.next instanceof Error) throw answers.next;
          return answers.next;
        },
      },
      probeTimeoutMs: 500,
      push: (event) => void events.push(event),
      context: (): Context => standing.core.context(standing.moment()),
      clock: systemClock,
      log: silentLogger,
    },
    stop.signal,
  );
  stack.defer(async () => {
    stop.abort();
    await watching;
  });
  const all = stack.move();
  return { events, answers, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function answered(changes: Partial<Extract<MemberReading, { kind: "answered" }>>): MemberReading {
  return {
    kind: "answered",
    reading: { epoch: 7, maxOffset: 10n },
    acting: true,
    instance: "a",
    inSync: [1, 2],
    ...changes,
  };
}

test("a member that answers is heard as a broker is, on one connection as long as it is the same process", async () => {
  await using watch = await openWatch();
  const beats = () => watch.events.filter((event) => event.kind === "heartbeat");
  await eventually(() => expect(beats().length).toBeGreaterThan(1), { withinMs });
  const [first, second] = beats();
  expect(first).toMatchObject({
    beat: { cluster: "C1", set: "bs1", id: 1, address: "10.1.0.21:10911", epoch: 7, maxOffset: 10n },
  });
  expect(second?.connection).toBe(first?.connection);
  expect(first?.connection).toBeLessThan(0);

  watch.answers.next = answered({ instance: "b" });
  await eventually(() => expect(watch.events).toContainEqual({ kind: "closed", connection: first?.connection }), {
    withinMs,
  });
  await eventually(() => expect(beats().at(-1)?.connection).not.toBe(first?.connection), { withinMs });
});

test("one that is gone has closed its connection; one that says nothing has not", async () => {
  await using watch = await openWatch();
  const closed = () => watch.events.filter(({ kind }) => kind === "closed").length;
  await eventually(() => expect(watch.events.length).toBeGreaterThan(0), { withinMs });
  watch.answers.next = { kind: "timedOut", detail: "" };
  await new Promise((resolve) => setTimeout(resolve, 500));
  watch.answers.next = new Error("a script failed");
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(closed()).toBe(0);
  watch.answers.next = { kind: "refused", detail: "" };
  await eventually(() => expect(closed()).toBe(1), { withinMs });
});

test("the site that leads says what the members wish, and not with every reading", async () => {
  await using watch = await openWatch();
  watch.answers.next = answered({ inSync: [1] });
  const asked = () => watch.events.filter((event) => event.kind === "asked");
  await eventually(() => expect(asked()).toHaveLength(1), { withinMs });
  expect(asked()[0]?.request).toEqual({
    kind: "alterInSync",
    set: "bs1",
    master: 1,
    epoch: 7,
    inSync: [1],
    inSyncEpoch: 20,
  });
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(asked()).toHaveLength(1);
});
