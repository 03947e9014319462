import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { arbiterSchema } from "#config/arbiter.ts";
import { systemClock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import type { Happened } from "../core/events.ts";
import { setName } from "../core/model.ts";
import { createMetrics } from "../metrics.ts";
import { createHooks } from "./hooks.ts";

const withinMs = 10_000;

const happened: Happened = {
  id: "commit/C1/bs1/8",
  event: "commit",
  set: setName("C1", "bs1"),
  epoch: 8,
  master: { id: 2, address: "10.2.0.1:10911" },
  at: Date.UTC(2026, 0, 1),
  question: null,
  decision: "C1/bs1/8",
  kind: "failover",
  reason: null,
  why: "for this test",
};

/** Hooks as a config names them, at work until the end. */
async function openHooks(...hooks: readonly object[]) {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-hooks-"));
  const lines: string[] = [];
  const write = (fields: object, sentence: string) => void lines.push(`${sentence} ${JSON.stringify(fields)}`);
  const log: Logger = { error: write, warn: write, info: write, debug: write, child: () => log };
  const metrics = createMetrics("test");
  const stop = new AbortController();
  const named = hooks.map((hook, index) => ({ name: `h${index + 1}`, ...hook }));
  const open = (list: readonly object[]) => {
    const { hooks: configs } = arbiterSchema.pick({ hooks: true }).parse({ hooks: list });
    const of = { environment: "test", site: "idc1", credentialsDirectory: undefined, clock: systemClock, log };
    return createHooks({ hooks: configs, ...of, series: metrics.series });
  };
  const opened = open(named);
  const running = opened.run(stop.signal);
  return {
    folder,
    open,
    lines,
    tell: opened.tell,
    async counted(outcome: string): Promise<number> {
      const text = await metrics.series.render();
      const found = [...text.matchAll(/^idc_arbiter_hook_events_total\{(.*)\} (\d+)$/gm)];
      const of = found.filter(([, labels]) => labels?.includes(`outcome="${outcome}"`));
      return of.reduce((sum, [, , value]) => sum + Number(value), 0);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const ok: Answer = (_, response) => void response.writeHead(204).end();

/** A real server that keeps what it was sent. */
async function startReceiver(answer: Answer = ok) {
  const received: { readonly headers: IncomingMessage["headers"]; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    received,
    url: `http://127.0.0.1:${port}/secret-path`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const body = {
  schema: 1,
  environment: "test",
  site: "idc1",
  id: "commit/C1/bs1/8",
  event: "commit",
  set: "C1/bs1",
  epoch: 8,
  master: { id: 2, address: "10.2.0.1:10911" },
  at: "2026-01-01T00:00:00.000Z",
  question: null,
  decision: "C1/bs1/8",
  kind: "failover",
  reason: null,
  why: "for this test",
};

test("a command reads the event on its standard input", async () => {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-hook-"));
  await using hooks = await openHooks({ command: ["/bin/sh", "-c", 'cat >"$1/event"', "sh", folder] });
  hooks.tell(happened);
  await eventually(async () => expect(await hooks.counted("done")).toBe(1), { withinMs });
  expect(JSON.parse(await readFile(join(folder, "event"), "utf8"))).toEqual(body);
  await rm(folder, { recursive: true });
});

test("an address gets the event posted, with an id to tell it by", async () => {
  await using receiver = await startReceiver();
  await using hooks = await openHooks({ url: receiver.url });
  hooks.tell(happened);
  await eventually(() => expect(receiver.received).toHaveLength(1), { withinMs });
  expect(JSON.parse(receiver.received[0]?.body ?? "")).toEqual(body);
  expect(receiver.received[0]?.headers).toMatchObject({
    "content-type": "application/json",
    "idempotency-key": "commit/C1/bs1/8",
  });
});

test("a hook hears of the events that it names, in their order", async () => {
  await using receiver = await startReceiver();
  await using hooks = await openHooks({ url: receiver.url, events: ["suspect", "done"] });
  for (const event of ["suspect", "commit", "done", "blocked"] as const) hooks.tell({ ...happened, id: event, event });
  await eventually(() => expect(receiver.received).toHaveLength(2), { withinMs });
  expect(receiver.received.map(({ headers }) => headers["idempotency-key"])).toEqual(["suspect", "done"]);
});

test("an address that fails is tried again, three times in all", async () => {
  let answers = 0;
  await using receiver = await startReceiver((_, response) => {
    answers += 1;
    response.writeHead(answers === 2 ? 204 : 500).end();
  });
  await using hooks = await openHooks({ url: receiver.url });
  hooks.tell(happened);
  await eventually(async () => expect(await hooks.counted("done")).toBe(1), { withinMs });
  expect(receiver.received).toHaveLength(2);
  hooks.tell({ ...happened, id: "2" });
  await eventually(async () => expect(await hooks.counted("failed")).toBe(1), { withinMs });
  expect(receiver.received).toHaveLength(5);
  expect(hooks.lines.join("\n")).toContain("answered with status 500");
});

test("one that hangs is given up in its time, keeps no other hook waiting, and what is too much for it is dropped and counted", async () => {
  await using hanging = await startReceiver(() => {});
  await using receiver = await startReceiver();
  const slow = { url: hanging.url, timeoutMs: 100, queueMax: 2 };
  await using hooks = await openHooks(slow, { url: receiver.url });
  const startedAt = performance.now();
  for (let n = 1; n <= 5; n += 1) hooks.tell({ ...happened, id: String(n) });
  expect(performance.now() - startedAt).toBeLessThan(500);
  await eventually(() => expect(receiver.received).toHaveLength(5), { withinMs });
  expect(await hooks.counted("dropped")).toBeGreaterThanOrEqual(2);
  await eventually(() => expect(hooks.lines.join("\n")).toContain("did not answer in 100 ms"), { withinMs });
});

test("a command that takes too long is killed, and one that fails says why", async () => {
  await using hooks = await openHooks(
    { command: ["/bin/sh", "-c", "sleep 1000"], timeoutMs: 100 },
    { command: ["/bin/sh", "-c", "echo no pager >&2; exit 3"] },
    { command: ["/no/such/command"] },
  );
  hooks.tell(happened);
  await eventually(
    () => {
      const said = hooks.lines.join("\n");
      expect(said).toContain("was killed after 100 ms");
      expect(said).toContain("ended with 3: no pager");
      expect(said).toContain("ENOENT");
    },
    { withinMs },
  );
});

test("a redirect is not followed, and a port that refuses is told by its code", async () => {
  await using receiver = await startReceiver();
  await using elsewhere = await startReceiver(
    (_, response) => void response.writeHead(307, { location: receiver.url }).end(),
  );
  const gone = await startReceiver();
  await gone[Symbol.asyncDispose]();
  await using hooks = await openHooks({ url: elsewhere.url }, { url: gone.url });
  hooks.tell(happened);
  await eventually(() => expect(hooks.lines.join("\n")).toContain("ECONNREFUSED"), { withinMs });
  await eventually(() => expect(elsewhere.received.length).toBeGreaterThan(0), { withinMs });
  expect(receiver.received).toEqual([]);
});

test("an address and a user from files are used, and stand in no log", async () => {
  await using receiver = await startReceiver((_, response) => void response.writeHead(403).end());
  const folder = await mkdtemp(join(tmpdir(), "crossidc-hook-"));
  const [urlFile, userFile] = [join(folder, "url"), join(folder, "user")];
  await writeFile(urlFile, `${receiver.url}?token=hidden\n`, { mode: 0o600 });
  await writeFile(userFile, "pager:swordfish\n", { mode: 0o600 });
  await using hooks = await openHooks({ urlFile, userFile });
  hooks.tell(happened);
  await eventually(() => expect(hooks.lines).not.toEqual([]), { withinMs });
  expect(receiver.received[0]?.headers.authorization).toBe(
    `Basic ${Buffer.from("pager:swordfish").toString("base64")}`,
  );
  const said = hooks.lines.join("\n");
  expect(said).toContain(new URL(receiver.url).origin);
  for (const secret of ["secret-path", "hidden", "swordfish", "pager:"]) expect(said).not.toContain(secret);

  await writeFile(urlFile, "ftp://pager.example/hidden\n", { mode: 0o600 });
  const refused = (() => {
    try {
      return hooks.open([{ name: "h", urlFile }]);
    } catch (error) {
      return messageOf(error);
    }
  })();
  expect(refused).toBe("The address of hook h is no http or https address");
  await rm(folder, { recursive: true });
});

test.each([
  [{ url: "ftp://pager.example/" }, /http or https/],
  [{ url: "https://user:password@pager.example/" }, /without a user/],
  [{ command: ["page"] }, /absolute path/],
  [{}, /exactly one of/],
  [{ command: ["/bin/true"], url: "http://pager.example/" }, /exactly one of/],
  [{ command: ["/bin/true"], userFile: "u" }, /no address/],
  [{ command: ["/bin/true"], events: ["every"] }, /./],
])("the config refuses %j", (hook, message) => {
  const parsed = arbiterSchema.pick({ hooks: true }).safeParse({ hooks: [{ name: "h", ...hook }] });
  expect(parsed.success).toBe(false);
  expect(parsed.error?.issues.map((issue) => issue.message).join("; ")).toMatch(message);
});
