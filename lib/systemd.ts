import type { Logger } from "./log.ts";

/**
 * sd_notify(3). Node has no Unix datagram sockets, so libsystemd is called; without systemd (NOTIFY_SOCKET unset, or no
 * libsystemd) nothing is sent.
 */
export interface Notifier {
  ready(status: string): void;
  status(text: string): void;
  stopping(): void;
  /** Call when the daemon has made progress; systemd restarts it when this stays out for WatchdogSec. */
  watchdog(): void;
}

const silent: Notifier = { ready() {}, status() {}, stopping() {}, watchdog() {} };

/** @param notifySocket the value of NOTIFY_SOCKET */
export async function createNotifier(options: { notifySocket: string | undefined; log: Logger }): Promise<Notifier> {
  if (options.notifySocket === undefined) return silent;
  try {
    const { default: koffi } = await import("koffi");
    const notify = koffi.load("libsystemd.so.0").func("int sd_notify(int unset_environment, const char *state)");
    const send = (state: string): void => void notify(0, state);
    return {
      ready: (status) => send(`READY=1\nSTATUS=${status}`),
      status: (text) => send(`STATUS=${text}`),
      stopping: () => send("STOPPING=1"),
      watchdog: () => send("WATCHDOG=1"),
    };
  } catch (error) {
    options.log.warn({ error: String(error) }, "systemd is not told about our state: libsystemd cannot be loaded");
    return silent;
  }
}
