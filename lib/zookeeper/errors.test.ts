import { expect, test } from "vitest";
import { connectionLoss, errorCodes, errorName, refused } from "./errors.ts";

test("a refusal says what was tried, the server's name for the reason and its number, and what to do", () => {
  const error = refused("set /a/b at version 3", errorCodes.badVersion);
  expect(error.message).toBe("Cannot set /a/b at version 3: badVersion (-103)");
  expect(error.hint).toContain("read it again");
  expect(error.is("badVersion")).toBe(true);
  expect(error.is("noNode")).toBe(false);
});

test("a code that no client knows is told as it is", () => {
  expect(errorName(-999)).toBe("error -999");
  expect(refused("read /a", -999).message).toBe("Cannot read /a: error -999");
});

test("a lost connection says that the write may have been applied", () => {
  const error = connectionLoss("create /a", "the server closed the connection");
  expect(error.message).toBe("Cannot create /a: connectionLoss (-4): the server closed the connection");
  expect(error.hint).toContain("may or may not have been applied");
});
