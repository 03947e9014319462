import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type RunningProcess, runProcess, startProcess } from "./harness/process.ts";
import { inProject } from "./harness/project.ts";

const startMsMax = 60_000;
const blockMsMax = 60_000;

/** A `sh` block of the tour, and the `text` block under it if there is one. */
interface Block {
  readonly commands: string;
  readonly shown: string;
}

test("the tour of README.md works as pasted, and shows what it says", { timeout: 150_000 }, async () => {
  const [first, ...blocks] = tourBlocks(await readFile(inProject("README.md"), "utf8"));
  if (first === undefined) throw new Error("README.md has no tour");
  await using demo = startProcess("sh", ["-c", `exec ${first.commands}`], { name: "tour" });
  await demo.waitForLine(/In another terminal/, { timeoutMs: startMsMax });
  const atHome = usualAddresses(demo);
  // As in a reader's one shell, a variable set in one block serves the next.
  let before = "";
  for (const { commands, shown } of blocks) {
    const { stdout } = await runProcess("sh", ["-c", atHome(before + commands)], { timeoutMs: blockMsMax });
    expect(stdout, commands).toSatisfy((output: string) => containsInOrder(output, shown));
    before += assignments(commands);
  }
  expect(await demo.kill("SIGINT")).toEqual({ code: 0, signal: null });
});

function tourBlocks(readme: string): Block[] {
  const tour = readme.split(/^## /m).find((section) => section.startsWith("A five-minute tour")) ?? "";
  return [...tour.matchAll(/^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?/gms)].map(([, commands = "", shown = ""]) => ({
    commands,
    shown,
  }));
}

/** Puts the ports that were taken for this run in place of the usual ones. */
function usualAddresses(demo: RunningProcess): (commands: string) => string {
  const output = demo.output();
  const found = (pattern: RegExp): string => pattern.exec(output)?.[1] ?? "";
  const replicator = found(/^ *replicator +(\S+)/m);
  const idc1 = found(/^ *IDC1's ZooKeeper +(\S+)/m);
  const idc2 = found(/^ *IDC2's ZooKeeper +(\S+)/m);
  return (commands) =>
    commands
      .replaceAll("bin/idcctl", `bin/idcctl --endpoint ${replicator}`)
      .replaceAll("127.0.0.1:21811", idc1)
      .replaceAll("127.0.0.1:21812", idc2);
}

function assignments(commands: string): string {
  return commands
    .split("\n")
    .filter((line) => /^\w+=/.test(line))
    .map((line) => `${line}\n`)
    .join("");
}

/** Whether the lines shown appear in this order. … stands for anything, a number for any number, blanks for any blanks. */
function containsInOrder(output: string, shown: string): boolean {
  const lines = shown.split("\n").map((line) => line.trim());
  const patterns = lines
    .filter((line) => line !== "")
    .map((line) =>
      line
        .split(/(\d+|\s+|…)/)
        .map(loosely)
        .join(""),
    );
  return new RegExp(patterns.join("[^]*")).test(output);
}

function loosely(piece: string): string {
  if (piece === "…") return ".*";
  if (/^\d/.test(piece)) return "\\d+";
  return /^\s/.test(piece) ? "\\s+" : RegExp.escape(piece);
}
