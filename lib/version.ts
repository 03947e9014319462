import { readFileSync } from "node:fs";

/** The version in package.json. Call once at start; what needs it takes it as an argument. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
