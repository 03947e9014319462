import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { eventually } from "../test/integration/harness/eventually.ts";
import { type ChildOptions, runChild } from "./child.ts";

const never = new AbortController().signal;

function run(script: string, changes: Partial<ChildOptions> = {}) {
  return runChild({
    argv: ["/bin/sh", "-c", script],
    input: "",
    timeoutMs: 10_000,
    stdoutBytesMax: 1_000,
    stderrBytesMax: 100,
    signal: never,
    ...changes,
  });
}

test("standard input goes in, standard output and the exit code come out", async () => {
  const end = await run("cat; echo oops >&2; exit 7", { input: '{"a":1}' });
  expect(end).toEqual({ kind: "exited", code: 7, stdout: '{"a":1}', stderr: "oops\n" });
});

test("arguments are taken as they are: no shell reads them", async () => {
  const end = await run("", { argv: ["/bin/echo", "$HOME; `ls` *"] });
  expect(end).toMatchObject({ code: 0, stdout: "$HOME; `ls` *\n" });
});

test("the environment is a way to commands, and a language", async () => {
  const end = await run("", { argv: ["/usr/bin/env"] });
  expect(
    end.stdout
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]),
  ).toEqual(["PATH", "LANG"]);
  expect(await run("pwd")).toMatchObject({ stdout: "/\n" });
});

test("what takes too long is killed, with all that it has started", async () => {
  const startedAt = performance.now();
  const end = await run("sleep 1000 & echo $! >&2; wait", { timeoutMs: 200 });
  expect(end).toMatchObject({ kind: "late" });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await gone(Number(end.stderr));
});

test("what it leaves in its group ends with it", async () => {
  const end = await run("sleep 1000 & echo $!");
  expect(end).toMatchObject({ kind: "exited", code: 0 });
  await gone(Number(end.stdout));
});

test("what has left its group keeps nobody waiting", async () => {
  const end = await run("setsid sleep 3 & exit 0");
  expect(end).toMatchObject({ kind: "exited", code: 0 });
}, 2_500);

test("whoever writes too much is killed; of standard error the end is kept", async () => {
  expect(await run("yes")).toMatchObject({ kind: "flooded", stdout: expect.stringMatching(/^(y\n){0,500}$/) });
  const end = await run("yes | head -c 5000 >&2; echo the end >&2");
  expect(end).toMatchObject({
    kind: "exited",
    code: 0,
    stderr: expect.stringMatching(/the end\n$/),
  });
  expect(end.stderr).toHaveLength(100);
});

test("a command that is not there, and one that a signal ends, are values", async () => {
  expect(await run("", { argv: ["/no/such/command"] })).toMatchObject({
    kind: "unstartable",
    detail: expect.stringContaining("ENOENT"),
  });
  expect(await run("kill -TERM $$")).toMatchObject({ kind: "killed", by: "SIGTERM" });
});

test("given up, it is killed at once, and the reason is thrown", async () => {
  const giveUp = new AbortController();
  const running = run("sleep 1000", { signal: giveUp.signal });
  giveUp.abort(new Error("the daemon stops"));
  await expect(running).rejects.toThrow("the daemon stops");
  await expect(run("true", { signal: giveUp.signal })).rejects.toThrow("the daemon stops");
});

test("input that nobody reads does no harm", async () => {
  expect(await run("exit 0", { input: "x".repeat(1_000_000) })).toMatchObject({ kind: "exited", code: 0 });
});

async function gone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  await eventually(() => expect(stateOf(pid)).toMatch(/^(gone|[ZX])/), { withinMs: 5_000 });
}

function stateOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2);
  } catch {
    return "gone";
  }
}
