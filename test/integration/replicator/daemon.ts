import { expect } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { type RunningProcess, runProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { linkName } from "./link-file.ts";

const startMsMax = 20_000;
const commandMsMax = 30_000;
const answerMsMax = 10_000;
/** Longest wait for a link to come into the state that a test asks for. */
const linkMsMax = 20_000;

/** What the tests read of GET /v1/links/:link, as the API promises it. */
export interface LinkAnswer {
  readonly phase: string;
  readonly stopped?: { readonly code: string; readonly detail: string };
  readonly leader?: string;
  readonly pause?: { readonly reason: string };
  readonly epoch?: string;
  readonly watch?: string;
  readonly idle: boolean;
  readonly pending: number;
  readonly targetNodes: number;
  readonly tombstones: number;
  readonly canary?: { readonly ageMs?: number; readonly problem?: { readonly code: string; readonly detail: string } };
  readonly brake: { readonly engaged: boolean; readonly reason?: string; readonly held: number };
  readonly problemCounts: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly kind: string; readonly path: string; readonly detail: string }[];
  readonly counts: Readonly<Record<string, number>>;
}

/** What the tests read of a plan, a verify or a dry run. */
export interface SurveyAnswer {
  readonly link: string;
  readonly equal: boolean;
  readonly counts: { readonly create: number; readonly update: number; readonly delete: number };
  readonly problemCounts: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly kind: string; readonly path: string; readonly detail: string }[];
  readonly differences: readonly { readonly action: string; readonly target: string; readonly braked: boolean }[];
}

/** A running replicator. */
export interface Daemon extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly endpoint: string;
  get(path: string): Promise<Response>;
  post(path: string, body: object): Promise<Response>;
  link(): Promise<LinkAnswer>;
  /** Waits until the link's state passes the check, which throws until then. */
  until(check: (link: LinkAnswer) => void): Promise<LinkAnswer>;
  /** Waits until everything known is carried over. */
  idle(): Promise<LinkAnswer>;
  /** Waits until the link stands still for an operator. */
  stopped(): Promise<NonNullable<LinkAnswer["stopped"]>>;
  verify(): Promise<SurveyAnswer>;
}

/** Starts the daemon by its launcher and waits until its HTTP door is open. */
export async function startDaemon(configFile: string, endpoint: string): Promise<Daemon> {
  const process = startProcess(launcher("crossidc-replicator"), ["--config", configFile], { env: quickStart });
  try {
    await process.waitForLine(/replicator started/, { timeoutMs: startMsMax });
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  const ask = async (path: string, init: RequestInit = {}) =>
    await fetch(new URL(path, endpoint), { ...init, signal: AbortSignal.timeout(answerMsMax) });
  const self: Daemon = {
    process,
    endpoint,
    get: (path) => ask(path),
    post: (path, body) =>
      ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    link: async () => (await (await ask(`/v1/links/${linkName}`)).json()) as LinkAnswer,
    async until(check) {
      let last: LinkAnswer | undefined;
      try {
        return await eventually(
          async () => {
            last = await self.link();
            check(last);
            return last;
          },
          { withinMs: linkMsMax },
        );
      } catch (error) {
        throw new Error(`The link is not as wanted. It was: ${JSON.stringify(last)}. ${process.log()}`, {
          cause: error,
        });
      }
    },
    idle: () => self.until(({ idle }) => expect(idle).toBe(true)),
    async stopped() {
      const { stopped } = await self.until(({ phase }) => expect(phase).toBe("stopped"));
      if (stopped === undefined) throw new Error("the link is stopped and does not say why");
      return stopped;
    },
    verify: async () => (await (await ask(`/v1/links/${linkName}/verify`)).json()) as SurveyAnswer,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
  return self;
}

/** Runs the replicator to its end: --once, --dry-run, --check. */
export async function runReplicator(configFile: string, args: readonly string[]) {
  return await runProcess(launcher("crossidc-replicator"), ["--config", configFile, ...args], {
    env: quickStart,
    timeoutMs: commandMsMax,
  });
}

export async function runIdcctl(args: readonly string[]) {
  return await runProcess(launcher("idcctl"), args, { env: quickStart, timeoutMs: commandMsMax });
}

/** Halves the time that a process needs to start. */
const quickStart = { NODE_COMPILE_CACHE: inProject(".cache/node-compile") };

function launcher(name: string): string {
  return inProject(`bin/${name}`);
}
