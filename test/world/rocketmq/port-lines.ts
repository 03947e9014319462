import type { BrokerPort } from "../../../arbiter/brokers/broker.ts";

/** What a test and the port in a site say to each other: JSON lines, 64-bit numbers as "12n". */
export interface Call {
  readonly id: number;
  readonly verb: keyof BrokerPort;
  /** Without the options. */
  readonly args: readonly unknown[];
  readonly timeoutMs: number;
}

export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly tookMs: number;
}

export function printLine(message: Call | Reply): string {
  return `${JSON.stringify(message, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value))}\n`;
}

export function parseLine<Message extends Call | Reply>(line: string): Message {
  return JSON.parse(line, (_key, value: unknown) =>
    typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Message;
}
