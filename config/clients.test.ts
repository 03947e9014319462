import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readBrokerCredentials } from "./clients.ts";

const secrets = { credentialsDirectory: undefined };

test("brokers' credentials are the key before the first colon, and the secret after it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "crossidc-config-"));
  try {
    const file = join(folder, "c1");
    await writeFile(file, "arbiter:a:b\n", { mode: 0o600 });
    expect(readBrokerCredentials(file, secrets)).toEqual({ accessKey: "arbiter", secretKey: "a:b" });
    await chmod(file, 0o644);
    expect(() => readBrokerCredentials(file, secrets)).toThrow("others than its owner may use it");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  expect(readBrokerCredentials(undefined, secrets)).toBeUndefined();
});
