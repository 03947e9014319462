import { expect, test } from "vitest";
import { ZooKeeperError } from "./errors.ts";
import { createChroot } from "./path.ts";

test.each([undefined, "/"])("without a chroot (%s) a path is the server's", (root) => {
  const chroot = createChroot(root);
  expect(chroot.toServer("/a/b")).toBe("/a/b");
  expect(chroot.fromServer("/a/b")).toBe("/a/b");
  expect(chroot.toServer("/")).toBe("/");
});

test("a path goes out below the chroot and comes back without it", () => {
  const chroot = createChroot("/dc/one");
  expect(chroot.toServer("/a")).toBe("/dc/one/a");
  expect(chroot.fromServer("/dc/one/a")).toBe("/a");
});

test("the chroot itself is the root", () => {
  const chroot = createChroot("/dc");
  expect(chroot.toServer("/")).toBe("/dc");
  expect(chroot.fromServer("/dc")).toBe("/");
});

test.each(["/", "/d", "/dcx", "/dcx/a", "/other"])("%s is outside the chroot /dc", (path) => {
  expect(createChroot("/dc").fromServer(path)).toBeUndefined();
});

test.each(["", "a", "a/b", "/a/", "//", "/\ud800"])(
  "the path %j, which would address another node, is refused",
  (path) => {
    expect(() => createChroot("/dc").toServer(path)).toThrow(ZooKeeperError);
    expect(() => createChroot(undefined).toServer(path)).toThrow(ZooKeeperError);
  },
);

test.each(["dc", "/dc/"])("the chroot %j is refused", (root) => {
  expect(() => createChroot(root)).toThrow(ZooKeeperError);
});
