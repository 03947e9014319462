import { afterEach, beforeEach, expect, test } from "vitest";
import { createPaint } from "#lib/terminal.ts";
import { createStanding, type Standing } from "../idc-router/io/testing/standing.ts";
import type { Call } from "./call.ts";
import { createClient } from "./client.ts";
import { routeNoun } from "./nouns/route.ts";

/** The verbs against a real door on a table that the test changes. */

let standing: Standing;

beforeEach(async () => {
  standing = await createStanding();
});
afterEach(() => standing.close());

async function run(name: string, args: readonly string[] = [], idc?: string): Promise<{ code: number; text: string }> {
  const verb = routeNoun.find((one) => one.name === name);
  if (verb === undefined) throw new Error(`there is no ${name}`);
  let text = "";
  const client = () => createClient([standing.base], "router");
  const call: Call = {
    output: "table",
    paint: createPaint(false),
    write: (output) => {
      text += String(output);
    },
    args,
    flags: {
      reason: "",
      dryRun: false,
      acceptDeletes: false,
      sourceWins: false,
      force: false,
      show: undefined,
      sites: undefined,
      for: undefined,
      master: undefined,
      to: undefined,
      policy: undefined,
      limit: undefined,
      idc,
      toPreferred: false,
      undo: false,
      maxInFlight: undefined,
      all: false,
      brokers: undefined,
      replicas: undefined,
    },
    replicators: client,
    arbiters: client,
    routers: client,
  };
  return { code: await verb.run(call), text };
}

test("route show tells the router's sources and sets, and exits with 6 when one is not well", async () => {
  const well = await run("route show");
  expect(well.code).toBe(0);
  expect(well.text).toMatch(/^C1\/ns1:1 +yes /m);
  expect(well.text).toMatch(/^C1\/bs1 +idc1 +1 +idc1:1 +\? +yes/m);
  standing.router.show({ bs1: null, bs2: "idc2:1" });
  const ill = await run("route show");
  expect(ill.code).toBe(6);
  expect(ill.text).toMatch(/^C1\/bs1 .* NO +it has no master/m);
});

test("route show TOPIC tells what a client of an IDC is told", async () => {
  const { code, text } = await run("route show", ["orders"], "idc2");
  expect(code).toBe(0);
  expect(text).toContain("orders of C1, for clients of idc2: idc2. idc2 is near and well");
  expect(text).toMatch(/^bs2 +idc2 +100% /m);
  expect(text).toMatch(/^bs1 +idc1 +0% /m);
  await expect(run("route show", ["none"])).rejects.toMatchObject({ code: "RTR_NO_TOPIC" });
  await expect(run("route show", [], "idc2")).rejects.toThrow("only with a topic");
});

test("route explain says why", async () => {
  standing.router.show({ bs1: null, bs2: "idc2:1" });
  const { text } = await run("route explain", ["orders"], "idc1");
  expect(text).toContain("Level idc1 takes 0% (bs1: it has no master).");
  expect(text).toContain("So it sends to idc2: bs1: it has no master.");
  await expect(run("route explain")).rejects.toThrow("needs a topic");
});
