import { pino } from "pino";

/** A log event is a fixed sentence one can grep, and fields for all that varies. 64-bit numbers go in as strings. */
export interface Logger {
  error(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  debug(fields: object, sentence: string): void;
  child(fields: object): Logger;
}

export interface LogOptions {
  readonly level: "error" | "warn" | "info" | "debug";
  /** json: one object a line. journal: the same with systemd's priority prefix. pretty: for a person at a terminal. */
  readonly format: "json" | "journal" | "pretty";
}

const journalPriority: Record<string, string> = { error: "<3>", warn: "<4>", info: "<6>", debug: "<7>" };

/** Writes to standard error, so that standard output stays free for results. */
export function createLogger(options: LogOptions): Logger {
  const base = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const write = (text: string) => void process.stderr.write(text);
  switch (options.format) {
    case "json":
      return pino(base, { write });
    case "journal":
      return pino(base, { write: (line) => write(`${journalPriority[levelOf(line)] ?? "<6>"}${line}`) });
    case "pretty":
      return pino(base, { write: (line) => write(pretty(line)) });
  }
}

/** Says nothing. For programs whose output is their result. */
export const silentLogger: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  child: () => silentLogger,
};

function levelOf(line: string): string {
  return (JSON.parse(line) as { level: string }).level;
}

function pretty(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg)}${rest === "" ? "" : `  ${rest}`}\n`;
}
