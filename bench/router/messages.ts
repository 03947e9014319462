import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TellingOptions, Told } from "../../test/integration/router/telling.ts";
import { messagesOf } from "../child.ts";

/** What the bench and its process of clients tell each other. Moments are of the machine's monotonic clock, ms. */

export interface Target {
  /** The name server protocol (105), or HTTP. */
  readonly protocol: "remoting" | "http";
  /** host:port */
  readonly address: string;
  readonly connections: number;
  /** Requests of one connection without an answer. HTTP: 1. */
  readonly inFlight: number;
  readonly topics: readonly string[];
  /** The caller's, over HTTP. */
  readonly idc?: string;
}

export type ToClients =
  /** Connections are made, and each topic is asked for once: its answer is the right one from then on. */
  | { readonly kind: "open"; readonly target: Target }
  | { readonly kind: "ask"; readonly requests: number }
  | { readonly kind: "watch"; readonly target: TellingOptions }
  /** From now on the next event of each watch is waited for, in which messages go to this IDC. */
  | { readonly kind: "await"; readonly chosen: string }
  | { readonly kind: "close" };

export type FromClients =
  | { readonly kind: "opened"; readonly bodyBytes: number }
  | { readonly kind: "asked"; readonly asked: Asked }
  | { readonly kind: "watching" }
  | { readonly kind: "awaiting" }
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly why: string };

export interface Asked {
  readonly requests: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Answers that were no route, or of another length than the topic's first one. */
  readonly wrong: number;
}

export interface Clients extends AsyncDisposable {
  open(target: Target): Promise<{ readonly bodyBytes: number }>;
  ask(requests: number): Promise<Asked>;
  watch(target: TellingOptions): Promise<void>;
  /** Resolves when all watches listen; what it gives then resolves when all have been told. */
  awaitTold(chosen: string): Promise<{ readonly told: Promise<Told> }>;
  close(): Promise<void>;
}

/** The clients, in a process of their own: what they cost is not the server's. */
export function startClients(): Clients {
  const child = fork(fileURLToPath(new URL("clients.ts", import.meta.url)));
  const messages = messagesOf<FromClients>(child, "the clients' process");
  const ask = async <Kind extends FromClients["kind"]>(message: ToClients, kind: Kind) => {
    const answered = messages.next(kind);
    child.send(message);
    return await answered;
  };
  return {
    open: (target) => ask({ kind: "open", target }, "opened"),
    ask: async (requests) => (await ask({ kind: "ask", requests }, "asked")).asked,
    watch: async (target) => void (await ask({ kind: "watch", target }, "watching")),
    async awaitTold(chosen) {
      const told = messages.next("told").then((message) => message.told);
      // Whoever gives up before it is waited for hears of it elsewhere.
      told.catch(() => {});
      await ask({ kind: "await", chosen }, "awaiting");
      return { told };
    },
    close: async () => void (await ask({ kind: "close" }, "closed")),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.disconnect();
      await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}
