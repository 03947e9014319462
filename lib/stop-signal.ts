import { exitCodes, OperatorError } from "./errors.ts";

/** Aborted by the first SIGTERM or SIGINT; a second one ends the process at once. @param code of the error that it gives as reason */
export function stopOnSignals(code: string): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.error);
      controller.abort(new OperatorError(code, `Stopped by ${name}`, { hint: "" }));
    });
  }
  return controller.signal;
}
