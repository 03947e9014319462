import { stringify } from "yaml";

export type OutputFormat = "table" | "json" | "yaml";

/** Prints an answer: for people as `table` draws it, for programs as it came. */
export function formatOutput<T>(value: T, format: OutputFormat, table: (value: T) => string): string {
  switch (format) {
    case "table":
      return table(value);
    case "json":
      return `${JSON.stringify(value, null, 2)}\n`;
    case "yaml":
      return stringify(JSON.parse(JSON.stringify(value)));
  }
}
