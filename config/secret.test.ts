import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OperatorError } from "#lib/errors.ts";
import { readSecret } from "./secret.ts";

const folder = mkdtempSync(join(tmpdir(), "crossidc-secret-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array, mode: number): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const read = (file: string, credentialsDirectory?: string) => readSecret(file, { credentialsDirectory });

function messageFor(file: string, credentialsDirectory?: string): string {
  try {
    read(file, credentialsDirectory);
  } catch (error) {
    if (error instanceof OperatorError) return error.message.replace(file, "F");
    throw error;
  }
  throw new Error("should have been refused");
}

describe("a credential file", () => {
  test("is one line user:password, its line end stripped", () => {
    expect(read(write("a", "zms:p:w d\n", 0o600))).toBe("zms:p:w d");
    expect(read(write("b", "zms:pw\r\n", 0o400))).toBe("zms:pw");
    expect(read(write("c", "zms:pw", 0o600))).toBe("zms:pw");
  });

  test.each([0o640, 0o604, 0o660, 0o601])("is refused while others may use it (mode %o)", (mode) => {
    const said = `Cannot use the credential file F: others than its owner may use it (mode 0${mode.toString(8)})`;
    expect(messageFor(write("open", "u:p\n", mode))).toBe(said);
  });

  test("in systemd's credentials folder may show group rights: they are ACLs there", () => {
    mkdirSync(join(folder, "credentials"), { recursive: true });
    const file = write("credentials/zk", "u:p\n", 0o440);
    expect(read(file, join(folder, "credentials"))).toBe("u:p");
    expect(messageFor(file, join(folder, "cred"))).toContain("others than its owner");
    expect(messageFor(file, "")).toContain("others than its owner");
    expect(messageFor(write("outside", "u:p", 0o440), join(folder, "credentials"))).toContain("others than its owner");
  });

  test.each([
    ["empty", ""],
    ["without a colon", "hunter2"],
    ["without a user", ":hunter2"],
    ["without a password", "user:\n"],
    ["of two lines", "user:hunter2\nuser:hunter3\n"],
    ["with a NUL", "user:hunter2\0"],
    ["of other bytes than UTF-8", new Uint8Array([117, 58, 0xff])],
    ["too long", `user:hunter2${"x".repeat(5_000)}`],
  ])("that is %s is refused, and nothing of it shown", (_, content) => {
    const message = messageFor(write("bad", content, 0o600));
    expect(message).toBe("Cannot use the credential file F: it does not hold one line user:password");
  });

  test("that is missing or a folder is named with the reason", () => {
    expect(messageFor(join(folder, "none"))).toBe("Cannot read the credential file F: there is no such file");
    expect(messageFor(folder)).toBe("Cannot read the credential file F: it is a folder");
  });
});
