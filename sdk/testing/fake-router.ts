import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TelemetryReport } from "../../lib/telemetry.ts";

/** A router's HTTP door on loopback, that says what a test wants. */
export interface FakeRouter extends AsyncDisposable {
  readonly url: string;
  /** Of requests for routes and of watches, as they came. */
  readonly asked: string[];
  /** What clients reported of themselves. */
  readonly reports: readonly TelemetryReport[];
  /** Says where a topic is, also to those who watch. */
  say(topic: string, route: object): void;
  /** Every request is answered with this status; 0: not at all; 200: as usual. */
  status: 0 | 200 | 429 | 503;
  /** Ends watches that are open. */
  hangUp(): void;
}

export async function startFakeRouter(): Promise<FakeRouter> {
  const routes = new Map<string, object>();
  const watches = new Set<{ topics: readonly string[]; response: ServerResponse }>();
  const asked: string[] = [];
  const reports: TelemetryReport[] = [];
  const eventOf = (route: object): string => `event: route\ndata: ${JSON.stringify(route)}\n\n`;

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://router");
    asked.push(`${url.pathname}${url.search}`);
    if (self.status === 0) return;
    if (self.status !== 200) {
      response.writeHead(self.status, { "retry-after": "1" }).end("{}");
      return;
    }
    if (url.pathname === "/v1/telemetry") {
      text(request).then(
        (body) => {
          reports.push(JSON.parse(body) as TelemetryReport);
          response.end('{"counted":true}');
        },
        () => {},
      );
      return;
    }
    if (url.pathname === "/v1/watch") {
      const topics = url.searchParams.get("topics")?.split(",") ?? [];
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("retry: 1000\n\n");
      const watch = { topics, response };
      watches.add(watch);
      response.once("close", () => watches.delete(watch));
      for (const topic of topics) {
        const route = routes.get(topic);
        if (route !== undefined) response.write(eventOf(route));
      }
      return;
    }
    const route = routes.get(url.pathname.split("/")[3] ?? "");
    if (route === undefined) response.writeHead(404).end('{"error":{"code":"RTR_NO_TOPIC"}}');
    else response.end(JSON.stringify(route));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const self: FakeRouter = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    reports,
    status: 200,
    say(topic, route) {
      routes.set(topic, route);
      for (const { topics, response } of watches) if (topics.includes(topic)) response.write(eventOf(route));
    },
    hangUp() {
      for (const { response } of watches) response.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

/** As a router would say it. */
export function kafkaRoute(
  topic: string,
  cluster: string,
  { zxid = 1, router = "r1", ...more }: { zxid?: number; router?: string; [name: string]: unknown } = {},
): object {
  return {
    topic,
    cluster,
    kind: "kafka",
    idc: "idc1",
    revision: zxid,
    router,
    metadata: { source: "zk", zxid: String(zxid) },
    stale: false,
    decision: { idc: "idc1", why: "it is near" },
    brokers: [],
    bootstrap: [`${cluster}:9092`],
    ...more,
  };
}
