import type { Application } from "../../test/integration/harness/application.ts";
import { eachOf } from "./bulk.ts";

/** Longest wait for IDC2 to see a change. */
const seenMsMax = 20_000;
const armedAtOnce = 64;

/**
 * Arms a one-shot watch for each node's creation, change or deletion; resolves when all are armed.
 * @returns by path, the time at which the event arrived; rejects when it does not arrive in time
 */
export async function watchAll(
  application: Application,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Promise<number>>> {
  const seenAt = new Map<string, Promise<number>>();
  await eachOf(paths, armedAtOnce, async (path) => {
    const seen = Promise.withResolvers<number>();
    // Whoever waits for it hears of it; a story that was given up has nobody who does.
    seen.promise.catch(() => {});
    seenAt.set(path, seen.promise);
    await watch(application, path, seen);
  });
  return seenAt;
}

async function watch(application: Application, path: string, seen: PromiseWithResolvers<number>): Promise<void> {
  const armed = Promise.withResolvers<void>();
  const late = setTimeout(() => {
    seen.reject(new Error(`IDC2 saw no change of ${path} in ${seenMsMax} ms`));
  }, seenMsMax);
  application.client.exists(
    path,
    () => {
      clearTimeout(late);
      seen.resolve(performance.now());
    },
    (error) => {
      if (error === null || error === undefined) armed.resolve();
      else armed.reject(new Error(`Cannot watch ${path}: ${String(error)}`));
    },
  );
  await armed.promise;
}
