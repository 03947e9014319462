import { messageOf, OperatorError } from "#lib/errors.ts";
import type { ErrorBody } from "#lib/http.ts";

/** The daemons' HTTP doors, tried in order until one answers: idcctl works as long as any of them does. */
export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
}

const connectTimeoutMs = 5_000;
/** A verify of a very large tree takes its time. */
const answerTimeoutMs = 330_000;

/** @param endpoints base addresses, http://host:port */
export function createClient(endpoints: readonly string[]): Client {
  const ask = async (path: string, init: RequestInit): Promise<unknown> => {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      try {
        await probe(endpoint);
      } catch (error) {
        failures.push(
          `${endpoint}: ${messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)}`,
        );
        continue;
      }
      return await answerOf(
        await fetch(new URL(path, endpoint), { ...init, signal: AbortSignal.timeout(answerTimeoutMs) }),
      );
    }
    throw new OperatorError("CTL_NO_ANSWER", `No replicator answers:\n  ${failures.join("\n  ")}`, {
      hint: "Name another with --endpoint http://host:port, or look at the service: systemctl status crossidc-replicator",
    });
  };
  return {
    get: async <T>(path: string) => (await ask(path, {})) as T,
    post: async <T>(path: string, body: object) =>
      (await ask(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })) as T,
  };
}

/** Whether anybody is there, in a short time; what is asked then may take long. */
async function probe(endpoint: string): Promise<void> {
  const response = await fetch(new URL("/livez", endpoint), { signal: AbortSignal.timeout(connectTimeoutMs) });
  await response.arrayBuffer();
}

async function answerOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  if (response.ok) return body;
  const { error } = body as Partial<ErrorBody>;
  throw new OperatorError(error?.code ?? "CTL_FAILED", error?.message ?? `The replicator answered ${response.status}`, {
    hint: error?.hint ?? "",
  });
}
