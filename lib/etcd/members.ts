import { Etcd3, type IOptions } from "etcd3";
import { abortListeners } from "../aborts.ts";
import type { Clock, Instant } from "../clock.ts";
import { messageOf, OperatorError } from "../errors.ts";

export interface EtcdOptions {
  /** host:port */
  readonly endpoints: readonly string[];
  readonly tls?: {
    readonly ca: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    /** When the certificate carries another name than the endpoints. */
    readonly serverName?: string;
  };
  readonly user?: { readonly name: string; readonly password: string };
}

/** One member of etcd, with a client of its own. */
export interface Member {
  readonly endpoint: string;
  readonly etcd: Etcd3;
}

/** The members, of which one is asked at a time: the last one that answered. */
export interface Members extends Disposable {
  readonly all: readonly Member[];
  current(): Member;
  /** The next one is asked from now on, if this one still was. */
  passOver(member: Member): void;
  /**
   * Asks the current member; the next one only where the request certainly never left. Never asks twice for what may have
   * been done.
   * @throws {OperatorError} codes.unanswered: it may have been done. codes.refused: it was not
   */
  call<T>(what: string, send: Send<T>, options: CallOptions): Promise<T>;
  /** Asks this member and no other. */
  callAt<T>(member: Member, what: string, send: Send<T>, options: CallOptions): Promise<T>;
}

type Send<T> = (etcd: Etcd3, options: { deadline: number }) => Promise<T>;

export interface CallOptions {
  /** When the caller began: the time counts from there. */
  readonly startedAt: Instant;
  readonly signal: AbortSignal;
}

/** Longest wait for one answer, by the monotonic clock, from before the request was sent. */
export const callTimeoutMs = 1_500;
/** A member that has not answered within this is passed over by later calls, while this one goes on waiting. */
export const passOverMs = 500;
const messageBytesMax = 64 * 1024 * 1024;

const grpcOptions: NonNullable<IOptions["grpcOptions"]> = {
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // No keepalive: its pings end watches of members that serve. A half-open connection is told by calls that go unanswered, and by
  // a watch that owes an own write.
};

/** Of the errors that calls throw: each daemon has its own names for them. */
export interface FailureCodes {
  /** It may have been done. */
  readonly unanswered: string;
  /** It was not done. */
  readonly refused: string;
}

export function openMembers(options: EtcdOptions, { clock, codes }: { clock: Clock; codes: FailureCodes }): Members {
  const members = options.endpoints.map((endpoint) => openMember(endpoint, options, clock));
  let index = 0;
  const current = (): OpenMember => members[index % members.length] as OpenMember;
  const passOver = (member: Member): void => {
    if (current() === member) index = (index + 1) % members.length;
  };

  const attempt = async <T>(member: OpenMember, send: Send<T>, { startedAt, signal }: CallOptions): Promise<T> => {
    signal.throwIfAborted();
    const leftMs = callTimeoutMs - (clock.now() - startedAt);
    if (leftMs <= 0) throw new Late();
    const over = Promise.withResolvers<never>();
    const giveUp = (): void => over.reject(signal.reason);
    abortListeners.add(signal, giveUp);
    const cancels = [
      clock.after(Math.min(passOverMs, leftMs), () => passOver(member)),
      clock.after(leftMs, () => over.reject(new Late())),
    ];
    try {
      return await Promise.race([send(member.etcd, { deadline: clock.wallTime() + leftMs }), over.promise]);
    } finally {
      for (const cancel of cancels) cancel();
      abortListeners.remove(signal, giveUp);
    }
  };

  const self: Members = {
    all: members,
    current,
    passOver,
    async call(what, send, callOptions) {
      const failures: string[] = [];
      for (let tries = 1; ; tries += 1) {
        const member = current();
        try {
          return await self.callAt(member, what, send, callOptions);
        } catch (error) {
          callOptions.signal.throwIfAborted();
          if (!(error instanceof OperatorError)) throw error;
          failures.push(error.message);
          if (!isUnsent(error.cause) || tries >= members.length) throw together(error, failures);
        }
      }
    },
    async callAt(asked, what, send, callOptions) {
      const member = asked as OpenMember;
      for (let tries = 1; ; tries += 1) {
        const { etcd } = member;
        try {
          const answer = await attempt(member, send, callOptions);
          if (clock.now() - callOptions.startedAt > callTimeoutMs) throw new Late();
          return answer;
        } catch (error) {
          callOptions.signal.throwIfAborted();
          // A token from before a user or role was changed: this was refused, and a new token is all it takes.
          if (isOldToken(error) && tries === 1) {
            member.renew(etcd);
            continue;
          }
          if (!isRefusal(error)) passOver(member);
          throw failureOf(error, codes, `etcd at ${member.endpoint}, ${what}`);
        }
      }
    },
    [Symbol.dispose]() {
      for (const member of members) member.etcd.close();
    },
  };
  return self;
}

interface OpenMember extends Member {
  etcd: Etcd3;
  /** Another client in place of this one, unless there is one already. */
  renew(used: Etcd3): void;
}

function openMember(endpoint: string, options: EtcdOptions, clock: Clock): OpenMember {
  const open = (): Etcd3 => new Etcd3(clientOptions(endpoint, options, clock));
  const member: OpenMember = {
    endpoint,
    etcd: open(),
    renew(used) {
      if (member.etcd !== used) return;
      member.etcd = open();
      // What is on its way through it may still be answered.
      setTimeout(() => used.close(), callTimeoutMs).unref();
    },
  };
  return member;
}

function clientOptions(endpoint: string, { tls, user }: EtcdOptions, clock: Clock): IOptions {
  return {
    hosts: `${tls === undefined ? "http" : "https"}://${endpoint}`,
    // Repeats and pauses of its own would hide what happened, and when.
    faultHandling: { host: () => once, global: once },
    grpcOptions: {
      ...grpcOptions,
      ...(tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName }),
    },
    ...(tls === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: tls.ca,
            ...(tls.cert === undefined ? {} : { certChain: tls.cert }),
            ...(tls.key === undefined ? {} : { privateKey: tls.key }),
          },
        }),
    ...(user === undefined
      ? {}
      : {
          auth: {
            username: user.name,
            password: user.password,
            callOptions: () => ({ deadline: clock.wallTime() + callTimeoutMs }),
          },
        }),
  };
}

type Policy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

/** The client's policy that does nothing. */
const once = {
  execute: async (run: (context: { signal: AbortSignal }) => unknown) => run({ signal: never }),
} as unknown as Policy;

const never = new AbortController().signal;

/** No answer in time. */
class Late extends Error {
  override readonly message = `no answer in ${callTimeoutMs} ms`;
}

function failureOf(error: unknown, codes: FailureCodes, what: string): OperatorError {
  const message = `${what}: ${messageOf(error)}`;
  if (!isRefusal(error)) {
    const hint = "Check that most etcd members are up, and reachable from this site: idcctl doctor";
    return new OperatorError(codes.unanswered, message, { cause: error, hint });
  }
  const hint = refusals.find(({ pattern }) => pattern.test(messageOf(error)))?.hint ?? "";
  return new OperatorError(codes.refused, message, { cause: error, hint });
}

function together(error: OperatorError, failures: readonly string[]): OperatorError {
  if (failures.length === 1) return error;
  return new OperatorError(error.code, failures.join("; "), { cause: error, hint: error.hint });
}

/** Answers that say that nothing was done, by the texts of etcd's api/v3rpc/rpctypes/error.go. */
const refusals = [
  {
    pattern: /database space exceeded/,
    hint: "etcd is full: no failover until it is compacted, defragmented and disarmed",
  },
  {
    pattern: /permission denied/,
    hint: "Give this daemon's user of etcd rights below the prefix: an arbiter reads and writes, a router reads",
  },
  { pattern: /authentication failed|user name is empty|invalid auth token/, hint: "Check etcd.userFile" },
  { pattern: /lease not found/, hint: "" },
  { pattern: /request is too large|too many operations|duplicate key given/, hint: "This is a fault of this daemon" },
  { pattern: /revision has been compacted/, hint: "" },
  { pattern: /auth store is old/, hint: "" },
];

function isRefusal(error: unknown): boolean {
  return refusals.some(({ pattern }) => pattern.test(messageOf(error)));
}

function isOldToken(error: unknown): boolean {
  return /auth store is old/.test(messageOf(error));
}

/** grpc-js had no connection, so no byte of the request has left. */
function isUnsent(error: unknown): boolean {
  return /No connection established|Name resolution failed/.test(messageOf(error));
}
