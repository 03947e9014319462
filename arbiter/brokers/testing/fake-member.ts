import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ExecCluster, execClusterSchema } from "#config/arbiter-exec.ts";

/** Members of C1/bs1 behind a script whose state lies in files. */
export interface FakeMembers extends AsyncDisposable {
  readonly cluster: ExecCluster;
  readonly of: (id: number) => FakeMember;
}

interface FakeMember {
  readonly address: string;
  acting: boolean;
  epoch: number;
  /** Its process is gone; it says nothing; its fence says no. */
  mark(state: "gone" | "hung" | "unfenceable"): void;
  /** "fence 8": each script that was run of it, with the epoch it was given. */
  readonly log: readonly string[];
}

const script = fileURLToPath(new URL("fake-member.sh", import.meta.url));

export async function createFakeMembers(
  addresses: Readonly<Record<number, string>>,
  changes: Partial<Pick<ExecCluster, "changeTimeoutMs" | "outputBytesMax" | "probeEveryMs">> & {
    readonly scripts?: Partial<ExecCluster["scripts"]>;
  } = {},
): Promise<FakeMembers> {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-members-"));
  const members = Object.entries(addresses).map(([id, address]) => ({ id: Number(id), address }));
  const of = new Map<number, FakeMember>();
  for (const { id, address } of members) {
    const own = join(folder, String(id));
    await mkdir(own);
    await writeFile(join(own, "epoch"), "7");
    await writeFile(join(own, "offset"), "1234");
    await writeFile(join(own, "insync"), JSON.stringify(members.map((member) => member.id)));
    of.set(id, fakeMember(own, address));
  }
  const argv = (name: string) => [script, folder, name];
  const { scripts, ...limits } = changes;
  const names = ["probe", "offsets", "promote", "fence", "follow"];
  const cluster = execClusterSchema.parse({
    name: "C1",
    kind: "exec",
    scripts: { ...Object.fromEntries(names.map((name) => [name, argv(name)])), ...scripts },
    sets: [{ name: "bs1", members }],
    ...limits,
  });
  return {
    cluster,
    of: (id) => {
      const found = of.get(id);
      if (found === undefined) throw new Error(`there is no member ${id}`);
      return found;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function fakeMember(folder: string, address: string): FakeMember {
  const file = (name: string): string => join(folder, name);
  return {
    address,
    get acting() {
      return existsSync(file("acting"));
    },
    set acting(yes) {
      if (yes) writeFileSync(file("acting"), "");
      else rmSync(file("acting"), { force: true });
    },
    get epoch() {
      return Number(readFileSync(file("epoch"), "utf8"));
    },
    set epoch(epoch) {
      writeFileSync(file("epoch"), String(epoch));
    },
    mark: (state) => writeFileSync(file(state), ""),
    get log() {
      return existsSync(file("log")) ? readFileSync(file("log"), "utf8").trim().split("\n") : [];
    },
  };
}
