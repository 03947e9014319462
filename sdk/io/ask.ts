import { type Route, readRoute } from "../core/route.ts";
import { messageOf, SdkError } from "../errors.ts";

/** What one router said. A router that cannot answer is a value: the next one is asked. */
export type Asked =
  | { readonly kind: "route"; readonly route: Route }
  /** It knows no such topic. */
  | { readonly kind: "unknown"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string; readonly retryAfterMs: number };

/** What routers are told of who asks; undefined: what the caller's address says. */
export interface Asker {
  readonly idc: string | undefined;
  readonly ip: string | undefined;
}

export interface AskOptions {
  readonly topic: string;
  readonly asker: Asker;
  readonly timeoutMs: number;
  readonly charactersMax: number;
  readonly signal: AbortSignal;
}

/** GET /v1/topics/{topic}/route. @throws the signal's reason when it is aborted */
export async function askRoute(router: string, options: AskOptions): Promise<Asked> {
  const { topic, timeoutMs, charactersMax, signal } = options;
  const url = `${router}/v1/topics/${encodeURIComponent(topic)}/route?${queryOf(options.asker)}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
    const text = await textOf(response, charactersMax);
    if (response.status === 200) return { kind: "route", route: parseRoute(text, router) };
    const detail = `${response.status} ${text.slice(0, detailCharactersMax)}`;
    if (response.status === 404) return { kind: "unknown", detail };
    return { kind: "failed", detail, retryAfterMs: retryAfterMs(response) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failed", detail: reasonOf(error), retryAfterMs: 0 };
  }
}

const detailCharactersMax = 300;

export function queryOf({ idc, ip }: Asker, more: Readonly<Record<string, string>> = {}): string {
  return new URLSearchParams({
    ...more,
    ...(idc === undefined ? {} : { idc }),
    ...(ip === undefined ? {} : { ip }),
  }).toString();
}

export function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}

/** fetch hides why it failed one level deeper. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${messageOf(error.cause)}` : "";
  return messageOf(error) + cause;
}

async function textOf(response: Response, charactersMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > charactersMax) throw badAnswer(`it is larger than ${charactersMax} characters`, response.url);
  }
  return text + decoder.decode();
}

/** @throws {SdkError} SDK_BAD_ANSWER */
export function parseRoute(text: string, router: string): Route {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badAnswer("it is no JSON", router, cause);
  }
  const route = readRoute(value);
  if (typeof route === "string") throw badAnswer(route, router);
  return route;
}

function badAnswer(why: string, router: string, cause?: unknown): SdkError {
  const hint = "See whether this address is an idc-router's: GET /openapi.json";
  return new SdkError("SDK_BAD_ANSWER", `What ${router} answered is no route: ${why}`, { hint, cause });
}
