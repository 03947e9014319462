import { messageOf, OperatorError } from "#lib/errors.ts";
import type { ErrorBody } from "#lib/http.ts";
import { whoHeader, writeWho } from "#lib/who.ts";

/** The daemons' HTTP doors, tried in order until one answers: idcctl works as long as any of them does. */
export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  put<T>(path: string, body: object): Promise<T>;
  /** Asks every one of them, all at once. Rejects only if none answers. */
  getFromAll<T>(path: string): Promise<readonly Answer<T>[]>;
}

export interface Answer<T> {
  readonly endpoint: string;
  /** Or why there is none. */
  readonly answer: T | OperatorError;
  readonly tookMs: number;
  /** Wall time. */
  readonly receivedAt: number;
}

export type Daemon = "replicator" | "arbiter" | "router";

const connectTimeoutMs = 5_000;
/** A verify of a very large tree takes its time. */
const answerTimeoutMs = 330_000;
/** Another daemon may do what this one says it cannot. */
const elsewhereCodes = ["ARB_NO_QUORUM", "HTTP_NOT_LOCAL"];

/**
 * @param endpoints base addresses, http://host:port
 * @param who calls, for the logs of what is changed
 */
export function createClient(endpoints: readonly string[], daemon: Daemon, who = ""): Client {
  const askOne = async (endpoint: string, path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(new URL(path, endpoint), { ...init, signal: AbortSignal.timeout(answerTimeoutMs) });
    return await answerOf(response, daemon);
  };
  const ask = async (path: string, init: RequestInit): Promise<unknown> => {
    const failures: string[] = [];
    let elsewhere: OperatorError | undefined;
    for (const endpoint of endpoints) {
      const failure = await silenceOf(endpoint);
      if (failure !== undefined) {
        failures.push(failure);
        continue;
      }
      try {
        return await askOne(endpoint, path, init);
      } catch (error) {
        if (!(error instanceof OperatorError) || !elsewhereCodes.includes(error.code)) throw error;
        // That there is no quorum weighs more than that another machine may not ask.
        if (elsewhere?.code !== "ARB_NO_QUORUM") elsewhere = error;
      }
    }
    throw elsewhere ?? noAnswer(failures, daemon);
  };
  const send = async (method: string, path: string, body: object): Promise<unknown> =>
    await ask(path, {
      method,
      headers: { "content-type": "application/json", [whoHeader]: writeWho(who) },
      body: JSON.stringify(body),
    });
  return {
    async getFromAll<T>(path: string) {
      const answers = await Promise.all(
        endpoints.map(async (endpoint) => {
          const failure = await silenceOf(endpoint);
          const sentAt = performance.now();
          const received = (answer: T | OperatorError): Answer<T> => {
            return { endpoint, answer, tookMs: performance.now() - sentAt, receivedAt: Date.now() };
          };
          if (failure !== undefined) return received(noAnswer([failure], daemon));
          try {
            return received((await askOne(endpoint, path, {})) as T);
          } catch (error) {
            if (error instanceof OperatorError) return received(error);
            throw error;
          }
        }),
      );
      const failures = answers.flatMap(({ answer }) => (answer instanceof OperatorError ? [answer] : []));
      const [first] = failures;
      if (first === undefined || failures.length < answers.length) return answers;
      throw failures.length === 1
        ? first
        : noAnswer(
            failures.map(({ message }) => message),
            daemon,
          );
    },
    get: async <T>(path: string) => (await ask(path, {})) as T,
    post: async <T>(path: string, body: object) => (await send("POST", path, body)) as T,
    put: async <T>(path: string, body: object) => (await send("PUT", path, body)) as T,
  };
}

/** Why nobody is there, found out in a short time: what is asked then may take long. undefined: somebody is. */
async function silenceOf(endpoint: string): Promise<string | undefined> {
  try {
    const response = await fetch(new URL("/livez", endpoint), { signal: AbortSignal.timeout(connectTimeoutMs) });
    await response.arrayBuffer();
    return undefined;
  } catch (error) {
    return `${endpoint}: ${messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)}`;
  }
}

function noAnswer(failures: readonly string[], daemon: Daemon): OperatorError {
  return new OperatorError("CTL_NO_ANSWER", `No ${daemon} answers:\n  ${failures.join("\n  ")}`, {
    hint: `Name another with --endpoint http://host:port, or look at the service: systemctl status crossidc-${daemon}`,
  });
}

async function answerOf(response: Response, daemon: Daemon): Promise<unknown> {
  const body: unknown = await response.json();
  if (response.ok) return body;
  const { error } = body as Partial<ErrorBody>;
  throw new OperatorError(error?.code ?? "CTL_FAILED", error?.message ?? `The ${daemon} answered ${response.status}`, {
    hint: error?.hint ?? "",
  });
}
