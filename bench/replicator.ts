/**
 * First sync, re-sync without a change, and re-sync after 1% has drifted, side by side on the same data in the same run:
 * crossidc-replicator --once against a bare multiRead + multi loop (the limit) and against node-zookeeper-client.
 * Every run is a process of its own, its start included. Usage: ./run bench replicator [--nodes N] [--rounds N]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatCount, formatTable } from "#lib/table.ts";
import { startZooKeeper } from "../test/integration/harness/zookeeper.ts";
import { formatSeconds, type Measured, measure, median } from "./measure.ts";
import { dataOf, fill, open, pathOf, root, writeAll } from "./tree.ts";

const { values } = parseArgs({
  options: { nodes: { type: "string", default: "20000" }, rounds: { type: "string", default: "5" } },
});
const nodes = Number(values.nodes);
const rounds = Number(values.rounds);
const signal = AbortSignal.timeout(3_600_000);
const here = import.meta.dirname;
const jvmArgs = ["-Xmx2g", "-XX:TieredStopAtLevel=4"];

interface Contender {
  readonly name: string;
  args(source: string, target: string): readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), "crossidc-bench-"));

const contenders: readonly Contender[] = [
  {
    name: "crossidc-replicator --once",
    args(source, target) {
      const file = join(folder, "replicator.yaml");
      writeFileSync(
        file,
        JSON.stringify({
          site: "idc2",
          log: { level: "error" },
          links: [
            {
              name: "bench",
              kind: "zookeeper",
              source: { servers: [source] },
              target: { servers: [target] },
              rules: [{ match: `${root}/**`, to: `${root}/**` }],
            },
          ],
        }),
      );
      return [join(here, "../replicator/main.ts"), "--config", file, "--once"];
    },
  },
  {
    name: "bare multiRead + multi loop",
    args: (source, target) => [join(here, "contenders/bare-loop.ts"), source, target],
  },
  {
    name: "node-zookeeper-client, 64 in flight",
    args: (source, target) => [join(here, "contenders/node-zookeeper-client.ts"), source, target, "64"],
  },
  {
    name: "node-zookeeper-client, one by one",
    args: (source, target) => [join(here, "contenders/node-zookeeper-client.ts"), source, target, "1"],
  },
];

type Stage = "first" | "again" | "drifted";
const figures = new Map<string, Record<Stage, Measured[]>>(
  contenders.map(({ name }) => [name, { first: [], again: [], drifted: [] }]),
);

try {
  await using source = await startZooKeeper({ version: "3.8", jvmArgs });
  await using writer = open(source.address, signal);
  await writer.connected({ signal });
  await fill(writer, nodes, signal);
  for (let round = 1; round <= rounds; round++) {
    // Each round starts with another contender, so that none is always first on a cold machine.
    for (const offset of contenders.keys()) {
      const contender = contenders[(offset + round) % contenders.length];
      if (contender !== undefined) await runOne(contender, source.address, round * contenders.length + offset);
    }
  }
  report();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function runOne(contender: Contender, source: string, generation: number): Promise<void> {
  await using target = await startZooKeeper({ version: "3.8", jvmArgs });
  const args = contender.args(source, target.address);
  const of = figures.get(contender.name);
  for (const stage of ["first", "again", "drifted"] as const) {
    if (stage === "drifted") await drift(source, generation);
    const measured = await measure(process.execPath, args);
    of?.[stage].push(measured);
    process.stderr.write(`${contender.name}: ${stage} ${(measured.wallMs / 1_000).toFixed(2)} s\n`);
  }
}

/** Changes 1% of the source. */
async function drift(source: string, generation: number): Promise<void> {
  await using writer = open(source, signal);
  await writer.connected({ signal });
  const changed = Array.from({ length: Math.floor(nodes / 100) }, (_, index) => index * 100);
  await writeAll(
    writer,
    changed.map((node) => ({ kind: "set", path: pathOf(node), data: dataOf(node, generation), version: -1 })),
    signal,
  );
}

function report(): void {
  const wall = (name: string, stage: Stage): number[] => figures.get(name)?.[stage].map(({ wallMs }) => wallMs) ?? [];
  const ours = contenders[0]?.name ?? "";
  const rows = contenders.map(({ name }) => [
    name,
    ...(["first", "again", "drifted"] as const).flatMap((stage) => [
      formatSeconds(wall(name, stage)),
      (median(wall(name, stage)) / median(wall(ours, stage))).toFixed(2),
    ]),
    ((median(figures.get(name)?.first.map(({ cpuMs }) => cpuMs) ?? []) ?? 0) / 1_000).toFixed(2),
    Math.round(median(figures.get(name)?.first.map(({ peakMb }) => peakMb) ?? [])).toString(),
  ]);
  console.log(
    `${formatCount(nodes)} nodes of 200 bytes, ${rounds} rounds, ${cpus().length} cores, Node ${process.version}; seconds, median (least-most); x = ours is 1\n`,
  );
  console.log(
    formatTable(["contender", "first sync", "x", "no change", "x", "1% drift", "x", "CPU s (first)", "peak MB"], rows),
  );
}
