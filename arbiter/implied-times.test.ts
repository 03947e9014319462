import { expect, test } from "vitest";
import { arbiterSchema } from "#config/arbiter.ts";
import { printEffectiveArbiter } from "#config/effective.ts";
import { loadConfig, readConfigFile } from "#config/load.ts";
import { impliedTimes } from "./implied-times.ts";

const example = new URL("../config/examples/arbiter.yaml", import.meta.url).pathname;
const { config } = loadConfig(arbiterSchema, example, { readFile: readConfigFile });

test("a failover's worst case is the sum of its parts", () => {
  expect(impliedTimes(config.timing).map(({ ms }) => ms)).toEqual([
    2_500, 2_800, 3_200, 700, 3_000, 950, 1_500, 5_000, 2_000, 1_500,
  ]);
});

test("the effective config is a config file that means the same, with the worst cases below", () => {
  const text = printEffectiveArbiter(config, impliedTimes(config.timing));
  expect(text).toContain("\n#   within 3.2 s: its successor is told, and 4 commits (... + demoteFirstMs)\n");
  const readFile = () => new TextEncoder().encode(text);
  expect(loadConfig(arbiterSchema, "/f.yaml", { readFile }).config).toEqual(config);
});
