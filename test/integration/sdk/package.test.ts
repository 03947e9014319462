import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { openStage, type Stage } from "./stage.ts";

/** What `npm pack` makes of sdk/, installed in a folder of its own, with the example of its README. */

const packMsMax = 120_000;
const exampleMsMax = 60_000;

let stage: Stage;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crossidc-shop-"));
  stage = await openStage();
}, 120_000);
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function run(command: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(command, args, { timeoutMs: packMsMax });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

/** As npm would put it there; kafkajs is the application's. */
async function install(): Promise<void> {
  await run("npm", "pack", inProject("sdk"), "--pack-destination", folder, "--silent");
  const target = join(folder, "node_modules/@crossidc/sdk");
  await mkdir(target, { recursive: true });
  const { version } = JSON.parse(await readFile(inProject("sdk/package.json"), "utf8")) as { version: string };
  await run("tar", "-xzf", join(folder, `crossidc-sdk-${version}.tgz`), "-C", target, "--strip-components=1");
  await symlink(inProject("node_modules/kafkajs"), join(folder, "node_modules/kafkajs"));
}

test("the package stands alone, and its README's example runs as it stands there", async () => {
  await stage.topic("orders");
  await install();
  const readme = await readFile(inProject("sdk/README.md"), "utf8");
  const [, example = ""] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
  const [, printed = ""] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  const [router = "", other = ""] = stage.routers;
  const here = example
    .replace("http://10.1.0.5:7403", router)
    .replace("http://10.1.0.6:7403", other)
    .replace("/var/lib/shop", folder);
  await writeFile(join(folder, "example.mjs"), here);
  const { code, stdout, stderr } = await runProcess("node", [join(folder, "example.mjs")], {
    cwd: folder,
    timeoutMs: exampleMsMax,
  });
  expect(stderr).not.toContain("Error");
  expect(code).toBe(0);
  const lines = (text: string): string[] => text.trim().split("\n").toSorted();
  expect(lines(stdout)).toEqual(lines(printed.replace("10.1.0.31:9092", stage.clusters.K1.addresses.join())));
  expect(await readFile(join(folder, "routes.json"), "utf8")).toContain('"orders"');
});
