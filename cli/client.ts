import { messageOf, OperatorError } from "#lib/errors.ts";
import type { ErrorBody } from "#lib/http.ts";

/** The daemons' HTTP doors, tried in order until one answers: idcctl works as long as any of them does. */
export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  /** Asks every one of them, all at once. Rejects only if none answers. */
  getFromAll<T>(path: string): Promise<readonly Answer<T>[]>;
}

export interface Answer<T> {
  readonly endpoint: string;
  /** Or why there is none. */
  readonly answer: T | OperatorError;
}

const connectTimeoutMs = 5_000;
/** A verify of a very large tree takes its time. */
const answerTimeoutMs = 330_000;

/** @param endpoints base addresses, http://host:port */
export function createClient(endpoints: readonly string[]): Client {
  const askOne = async (endpoint: string, path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(new URL(path, endpoint), { ...init, signal: AbortSignal.timeout(answerTimeoutMs) });
    return await answerOf(response);
  };
  const ask = async (path: string, init: RequestInit): Promise<unknown> => {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      const failure = await silenceOf(endpoint);
      if (failure === undefined) return await askOne(endpoint, path, init);
      failures.push(failure);
    }
    throw noAnswer(failures);
  };
  return {
    async getFromAll<T>(path: string) {
      const answers = await Promise.all(
        endpoints.map(async (endpoint) => {
          const failure = await silenceOf(endpoint);
          if (failure !== undefined) return { endpoint, answer: noAnswer([failure]) };
          try {
            return { endpoint, answer: (await askOne(endpoint, path, {})) as T };
          } catch (error) {
            if (error instanceof OperatorError) return { endpoint, answer: error };
            throw error;
          }
        }),
      );
      const failures = answers.flatMap(({ answer }) => (answer instanceof OperatorError ? [answer] : []));
      const [first] = failures;
      if (first === undefined || failures.length < answers.length) return answers;
      throw failures.length === 1 ? first : noAnswer(failures.map(({ message }) => message));
    },
    get: async <T>(path: string) => (await ask(path, {})) as T,
    post: async <T>(path: string, body: object) =>
      (await ask(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })) as T,
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

function noAnswer(failures: readonly string[]): OperatorError {
  return new OperatorError("CTL_NO_ANSWER", `No replicator answers:\n  ${failures.join("\n  ")}`, {
    hint: "Name another with --endpoint http://host:port, or look at the service: systemctl status crossidc-replicator",
  });
}

async function answerOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  if (response.ok) return body;
  const { error } = body as Partial<ErrorBody>;
  throw new OperatorError(error?.code ?? "CTL_FAILED", error?.message ?? `The replicator answered ${response.status}`, {
    hint: error?.hint ?? "",
  });
}
