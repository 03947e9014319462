import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/log.ts";
import { requestCodes, requestName, resultCodes } from "#lib/remoting/codes.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { notSupported, type RemotingAnswer, refusal } from "#lib/remoting/message.ts";
import { encodeGetControllerConfigResponse } from "#lib/remoting/records/controller-config.ts";
import { listenRemoting } from "#lib/remoting/server.ts";
import type {
  RemotingConnection,
  ServerCounters,
  ServerLimits,
  ServerTlsOptions,
} from "#lib/remoting/server-options.ts";
import type { ControllerAnswer, ControllerRequest } from "../core/controller-messages.ts";
import type { AskId, Event } from "../core/events.ts";
import type { Timing } from "../core/timing.ts";
import { createAdminList } from "./admin-list.ts";
import { printControllerAnswer } from "./controller-answers.ts";
import { readControllerRequest, readHeartbeat } from "./controller-requests.ts";

/** Where brokers and admin tools take this arbiter for a controller. Decides nothing: what they say are events for the core. */
export interface Door extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** Answers what was asked. An answer that nobody waits for any more is dropped. */
  answer(ask: AskId, answer: ControllerAnswer): void;
  readonly counters: Readonly<ServerCounters>;
}

export type DoorEvent = Extract<Event, { kind: "heartbeat" | "closed" | "asked" }>;

/** An operator's call that changes something, carried out or not. */
export interface DoorAudit {
  readonly request: string;
  /** host:port of the caller. */
  readonly from: string;
  readonly allowed: boolean;
  /** As they were sent. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface DoorOptions {
  readonly listen: string;
  /** From where 1002 with a designated master, 1009 and 1011 are taken. */
  readonly adminCidrs: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  readonly tls?: ServerTlsOptions;
  /** Shown to whoever asks for the controller's settings (1010). */
  readonly timing: Timing;
  /** Numbers the questions, so that they differ from those of other doors. */
  readonly nextAsk: () => AskId;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called at once, in the order of each connection's bytes: it may queue, and nothing else. */
  readonly onEvent: (event: DoorEvent) => void;
  readonly onAudit: (audit: DoorAudit) => void;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly frame: Frame;
  readonly request: ControllerRequest;
  readonly connection: number;
  settle(answer: RemotingAnswer | undefined): void;
}

/** As many sets as an arbiter keeps, of three brokers each, and some tools. */
const connectionsMax = 30_100;
/** Brokers give up after 3 s. */
export const answerMsMax = 2_900;

/**
 * @throws {RemotingError} REMOTING_LISTEN; {OperatorError} ARB_ADMIN_CIDRS
 */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { adminCidrs, timing, nextAsk, clock, log, onEvent, onAudit, limits, ...serverOptions } = options;
  const isAdmin = createAdminList(adminCidrs);
  const waiting = new Map<AskId, Waiting>();

  function onRequest(frame: Frame, connection: RemotingConnection<undefined>) {
    switch (frame.code) {
      case requestCodes.BROKER_HEARTBEAT:
        onEvent({ kind: "heartbeat", connection: connection.id, beat: readHeartbeat(frame) });
        return undefined;
      case requestCodes.GET_CONTROLLER_CONFIG:
        return encodeGetControllerConfigResponse(settingsOf(timing));
      case requestCodes.UPDATE_CONTROLLER_CONFIG:
        return refuseOperator(frame, connection) ?? refusal(resultCodes.CONTROLLER_INVALID_REQUEST, notHere);
    }
    const request = readControllerRequest(frame);
    if (request === undefined) return notSupported(frame);
    const isTool = isOperators(request);
    return (isTool ? refuseOperator(frame, connection) : undefined) ?? ask(frame, request, connection, isTool);
  }

  function refuseOperator(frame: Frame, connection: RemotingConnection<undefined>): RemotingAnswer | undefined {
    const { remoteAddress: from } = connection;
    const request = requestName(frame.code);
    const allowed = isAdmin(from);
    onAudit({ request, from, allowed, fields: frame.fields });
    if (allowed) return undefined;
    return refusal(
      resultCodes.NO_PERMISSION,
      `${request} is not taken from ${from}: controller.adminCidrs of this arbiter names who may`,
    );
  }

  async function ask(frame: Frame, request: ControllerRequest, from: RemotingConnection<undefined>, isTool: boolean) {
    const connection = from.id;
    const id = nextAsk();
    const answered = Promise.withResolvers<RemotingAnswer | undefined>();
    waiting.set(id, { frame, request, connection, settle: answered.resolve });
    const cancel = clock.after(answerMsMax, () =>
      answered.resolve(refusal(resultCodes.SYSTEM_ERROR, `This arbiter has no answer in ${answerMsMax} ms`)),
    );
    try {
      onEvent({ kind: "asked", ask: id, connection, request, ...(isTool && { tool: from.remoteAddress }) });
      return await answered.promise;
    } finally {
      waiting.delete(id);
      cancel();
    }
  }

  const server = await listenRemoting<undefined>({
    ...serverOptions,
    limits: { connectionsMax, ...limits },
    clock,
    log,
    context: () => undefined,
    onRequest,
    onClose({ id }) {
      for (const { connection, settle } of waiting.values()) if (connection === id) settle(undefined);
      onEvent({ kind: "closed", connection: id });
    },
  });

  return {
    address: server.address,
    counters: server.counters,
    answer(id, answer) {
      const asked = waiting.get(id);
      if (asked === undefined) return;
      const { frame, request, settle } = asked;
      if (answer.kind === "refused" || answer.kind === request.kind)
        return settle(printControllerAnswer(answer, frame));
      log.error({ request: requestName(frame.code), answer: answer.kind }, "controller answer of another request");
      settle(refusal(resultCodes.SYSTEM_ERROR, "This arbiter has mixed up two answers: see its log"));
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const notHere = "This arbiter's settings are in its config file: change them there, and restart it";

function isOperators(request: ControllerRequest): boolean {
  return request.kind === "cleanBroker" || (request.kind === "electMaster" && request.designate);
}

function settingsOf(timing: Timing): ReadonlyMap<string, string> {
  return new Map(Object.entries(timing).map(([name, value]) => [name, String(value)]));
}
