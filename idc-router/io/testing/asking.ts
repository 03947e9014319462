import { once } from "node:events";
import { type ClientRequest, get, type IncomingMessage } from "node:http";

/** How tests speak to a standing HTTP door. */

/** GET. What came as JSON is parsed. */
export async function askAt(base: string, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(base + path, { headers });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

interface Events {
  /** Destroy it to leave. */
  readonly request: ClientRequest;
  readonly seen: { id: string; data: { topic: string; cluster: string; client: object; decision: { idc: string } } }[];
  until(count: number): Promise<void>;
}

/** GET /v1/watch. */
export async function watchAt(base: string, query: string, headers: Record<string, string> = {}): Promise<Events> {
  const request = get(`${base}/v1/watch?${query}`, { headers });
  request.on("error", () => {});
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const seen: Events["seen"] = [];
  let text = "";
  let heard = Promise.withResolvers<void>();
  response.on("error", () => {});
  response.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const of = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = of("data");
      if (data !== undefined) seen.push({ id: of("id") ?? "", data: JSON.parse(data) });
      heard.resolve();
      heard = Promise.withResolvers();
    }
  });
  return {
    request,
    seen,
    async until(count) {
      while (seen.length < count) await heard.promise;
    },
  };
}
