import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import { encodeFrame, type Frame, frameLimits } from "#lib/remoting/frame.ts";
import { createFrameStream } from "#lib/remoting/frame-stream.ts";
import { reports } from "../../../idc-router/io/api.ts";
import { type NameServer, startBrokers, startNameServer } from "../harness/name-server.ts";
import { ownIdc, type RouterUnderTest, startRouter } from "./router.ts";

/**
 * Ten thousand random frames and ten thousand random HTTP requests at a real router: it lives on, and whoever asks properly
 * gets the right answer, whatever others send. fast-check prints the seed of a failure; SEED=N plays it again.
 */

const topics = ["orders", "pay", "a".repeat(127), "with_%_and-"];
const perRun = 100;
const numRuns = 100;
const answerMsMax = 20_000;
const rssGrowthMbMax = 400;

const stop = new AbortController();
const seed = Number(process.env["SEED"] ?? Date.now() & 0x7f_ff_ff_ff);
let nameServer: NameServer;
let router: RouterUnderTest;
/** The right answer for each topic. */
const bodies = new Map<string, string>();

beforeAll(async () => {
  nameServer = await startNameServer(await startBrokers(stop.signal), topics, stop.signal);
  router = await startRouter({ nameServer: nameServer.address });
  for (const topic of topics) {
    const [answer] = await exchange([encode({ ...plain, fields: { topic } })], 1);
    expect(answer?.code).toBe(0);
    bodies.set(topic, Buffer.from(answer?.body ?? []).toString());
  }
}, 120_000);

afterAll(async () => {
  stop.abort();
  await Promise.all([router?.[Symbol.asyncDispose](), nameServer?.[Symbol.asyncDispose]()]);
});

const plain = {
  ...{ code: requestCodes.GET_ROUTEINFO_BY_TOPIC, opaque: 0, language: "JAVA", version: 479 },
  ...{ isResponse: false, isOneway: false, body: new Uint8Array() },
  serialize: "json",
} as const;
const encode = (frame: Frame): Buffer => encodeFrame(frame, frameLimits);
const playsAgain = { seed, numRuns, endOnFailure: true, verbose: 0 } as const;

/** A request, and what its answer has to be: the result code, and for a route its body. */
interface Asked {
  readonly frame: Omit<Frame, "opaque">;
  readonly codes: readonly number[];
  readonly body?: string;
}

const common = {
  language: fc.constantFrom("JAVA", "CPP", "GO", "OTHER"),
  version: fc.integer({ min: 0, max: 500 }),
  serialize: fc.constantFrom("json" as const, "rocketmq" as const),
  isOneway: fc.boolean(),
  extra: fc.dictionary(fc.constantFrom("acceptStandardJsonOnly", "x", "__proto__", "cluster"), fc.string(), {
    maxKeys: 3,
  }),
  body: fc.uint8Array({ maxLength: 40 }),
};

function asking(code: fc.Arbitrary<number>, topic: fc.Arbitrary<string | undefined>, codes: readonly number[]) {
  return fc.record({ ...common, code, topic }).map(({ extra, topic: name, ...rest }): Asked => {
    const fields = { ...extra, ...(name === undefined ? {} : { topic: name }) };
    const due = rest.code === requestCodes.GET_ROUTEINFO_BY_TOPIC ? bodies.get(name ?? "") : undefined;
    const frame = { ...rest, fields, isResponse: false };
    return due === undefined ? { frame, codes } : { frame, codes: [resultCodes.SUCCESS], body: due };
  });
}

const { GET_ROUTEINFO_BY_TOPIC: route, ...others } = requestCodes;
const known: ReadonlySet<number> = new Set(Object.values(requestCodes));
/** A binary header has 16 bits for it. */
const unknownCode = fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }).filter((code) => !known.has(code));
const anyAnswer = [resultCodes.SUCCESS, resultCodes.SYSTEM_ERROR, resultCodes.REQUEST_CODE_NOT_SUPPORTED, 22];
const asks = fc.oneof(
  { weight: 6, arbitrary: asking(fc.constant(route), fc.constantFrom(...topics), []) },
  {
    weight: 2,
    arbitrary: asking(fc.constant(route), fc.string({ maxLength: 300 }), [
      resultCodes.TOPIC_NOT_EXIST,
      resultCodes.SYSTEM_ERROR,
    ]),
  },
  { weight: 1, arbitrary: asking(fc.constant(route), fc.constant(undefined), [resultCodes.SYSTEM_ERROR]) },
  {
    weight: 1,
    arbitrary: asking(fc.constantFrom(...Object.values(others)), fc.option(fc.string(), { nil: undefined }), anyAnswer),
  },
  {
    weight: 1,
    arbitrary: asking(unknownCode, fc.option(fc.string(), { nil: undefined }), [
      resultCodes.REQUEST_CODE_NOT_SUPPORTED,
    ]),
  },
);

test("random frames, in random pieces, with random bytes at the end", { timeout: 300_000 }, async () => {
  const before = await rssMb();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(asks, { minLength: perRun, maxLength: perRun, size: "max" }),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 50 }),
      fc.uint8Array({ maxLength: 60 }),
      async (asked, cuts, rest) => {
        const frames = asked.map(({ frame }, opaque) => encode({ ...frame, opaque }));
        const due = asked.filter(({ frame }) => !frame.isOneway);
        const answers = await exchange(pieces(Buffer.concat(frames), cuts), due.length, rest);
        const byOpaque = new Map(answers.map((answer) => [answer.opaque, answer]));
        for (const [opaque, { frame, codes, body }] of asked.entries()) {
          const answer = byOpaque.get(opaque);
          expect(answer === undefined, `${opaque}`).toBe(frame.isOneway);
          if (answer === undefined) continue;
          expect(codes, `${JSON.stringify(frame)} was answered with ${answer.code}`).toContain(answer.code);
          expect(answer.serialize).toBe(frame.serialize);
          if (body !== undefined) expect(Buffer.from(answer.body).toString()).toBe(body);
        }
        count += asked.length;
      },
    ),
    playsAgain,
  );
  expect(count).toBe(perRun * numRuns);
  expect((await rssMb()) - before).toBeLessThan(rssGrowthMbMax);
});

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Set: this topic's route is what it asks for. */
  readonly topic?: string | undefined;
}

const printable = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.~%?&=/+{}[]\"'\\ ") });
const headers = fc.array(
  fc.tuple(
    fc.constantFrom("if-none-match", "last-event-id", "accept", "x-forwarded-for", "origin", "content-type", "range"),
    fc.oneof(printable, fc.constantFrom("application/json", '"0123456789012345678901"', "*")),
  ),
  { maxLength: 4 },
);
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom("idc", "use", "wait", "topics", "topic", "x"),
      fc.oneof(fc.constantFrom("idc1", "idc2", "produce", "consume", "1ms", "orders"), printable),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&"));
const paths = fc.oneof(
  fc.constantFrom(
    "/v1/status",
    "/v1/watch",
    "/v1/explain",
    "/rocketmq/nsaddr",
    "/openapi.json",
    "/v1/allocations",
    "/",
  ),
  fc.constantFrom("/v1/clusters/C1/bootstrap", "/v1/topics/orders/route", "/livez", "/readyz", "/metrics"),
  printable.map((text) => `/v1/topics/${encodeURIComponent(text)}/route`),
  printable.map((text) => `/${text.replaceAll(" ", "")}`),
);
const anyRequest = fc.record({
  method: fc.constantFrom("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"),
  target: fc.tuple(paths, query).map(([path, asked]) => `${path}?${asked}`),
  headers,
  body: fc.oneof(fc.constant(""), fc.json(), printable),
});
const goodRequest = fc.constantFrom(...topics).map(
  (topic): Request => ({
    ...{ method: "GET", headers: [], body: "", topic },
    target: `/v1/topics/${encodeURIComponent(topic)}/route?idc=${ownIdc}`,
  }),
);

test("random HTTP requests", { timeout: 300_000 }, async () => {
  const before = await rssMb();
  let count = 0;
  const runs = fc.array(fc.oneof<fc.Arbitrary<Request>[]>(goodRequest, anyRequest, anyRequest), {
    ...{ minLength: perRun, maxLength: perRun, size: "max" },
  });
  await fc.assert(
    fc.asyncProperty(runs, async (requests) => {
      await Promise.all(
        requests.map(async (request) => {
          const { status, body } = await send(request);
          const told = `${request.method} ${request.target} was answered with ${status} ${body.slice(0, 300)}`;
          expect(status, told).toBeGreaterThanOrEqual(200);
          expect(status, told).toBeLessThan(500);
          if (request.topic === undefined) return;
          expect(status, told).toBe(200);
          const report = reports.route.parse(JSON.parse(body));
          expect(report).toMatchObject({
            topic: request.topic,
            idc: ownIdc,
            brokers: [{ set: "bs1", weight: 10_000 }],
          });
        }),
      );
      count += requests.length;
    }),
    playsAgain,
  );
  expect(count).toBe(perRun * numRuns);
  expect(router.process.running).toBe(true);
  expect((await fetch(`http://${router.http}/readyz`)).status).toBe(200);
  expect((await rssMb()) - before).toBeLessThan(rssGrowthMbMax);
});

/** Writes the pieces, waits for so many answers, then writes the rest and goes. */
async function exchange(chunks: readonly Buffer[], answersMax: number, rest?: Uint8Array): Promise<Frame[]> {
  const [host = "", port = ""] = router.door.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true });
  const stream = createFrameStream(frameLimits);
  const answers: Frame[] = [];
  const all = Promise.withResolvers<void>();
  const late = setTimeout(
    () => all.reject(new Error(`${answers.length} of ${answersMax} answers came in ${answerMsMax} ms`)),
    answerMsMax,
  );
  const enough = (): void => {
    if (answers.length >= answersMax) all.resolve();
  };
  socket.on("error", all.reject);
  socket.on("close", () => all.reject(new Error(`the connection ended after ${answers.length} answers`)));
  socket.on("data", (chunk: Buffer) => {
    stream.push(chunk);
    for (let frame = stream.next(); frame !== undefined; frame = stream.next()) answers.push(frame);
    enough();
  });
  await once(socket, "connect");
  try {
    for (const chunk of chunks) socket.write(chunk);
    enough();
    await all.promise;
    if (rest !== undefined) socket.write(rest);
    socket.end();
    await once(socket, "close");
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
  return answers;
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const all: Buffer[] = [];
  for (let from = 0, nth = 0; from < bytes.length; nth += 1) {
    const to = from + (cuts[nth % cuts.length] ?? 1);
    all.push(bytes.subarray(from, to));
    from = to;
  }
  return all;
}

/** Over a connection of its own. Of a watch the beginning is enough. */
async function send({ method, target, headers: extra, body }: Request): Promise<{ status: number; body: string }> {
  const [host = "", port = ""] = router.http.split(":");
  const socket = connect({ host, port: Number(port) });
  const lines = extra.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const bytes = Buffer.from(body);
  const length = body === "" ? "" : `content-length: ${bytes.length}\r\n`;
  const ended = Promise.withResolvers<void>();
  const late = setTimeout(
    () => ended.reject(new Error(`${method} ${target}: no answer in ${answerMsMax} ms`)),
    answerMsMax,
  );
  let text = "";
  socket.on("error", () => {});
  socket.on("close", () => ended.resolve());
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (text.includes("text/event-stream")) ended.resolve();
  });
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}${length}\r\n`);
  socket.write(bytes);
  try {
    await ended.promise;
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
  const [, status = "0"] = /^HTTP\/1.1 (\d+)/.exec(text) ?? [];
  return { status: Number(status), body: text.slice(text.indexOf("\r\n\r\n") + 4) };
}

async function rssMb(): Promise<number> {
  const text = await (await fetch(`http://${router.http}/metrics`)).text();
  return Number(/^process_resident_memory_bytes\{.*\} (\S+)/m.exec(text)?.[1]) / 1_048_576;
}
