import fc from "fast-check";
import { expect, test } from "vitest";
import { createServers } from "./servers.ts";

const first = () => 0;

test("names, IPv4 and IPv6 addresses are read", () => {
  const read = (address: string) => createServers([address], first).next();
  expect(read("zk1.example:2181")).toEqual({ address: "zk1.example:2181", host: "zk1.example", port: 2181 });
  expect(read("10.0.0.1:2181")).toMatchObject({ host: "10.0.0.1", port: 2181 });
  expect(read("[fd00::1]:2181")).toMatchObject({ host: "fd00::1", port: 2181 });
  expect(read("[fe80::1%eth0]:2181")).toMatchObject({ host: "fe80::1%eth0", port: 2181 });
});

test.each(["", "zk1", "zk1:", ":2181", "zk1:0", "zk1:65536", "zk1:port", "fd00::1:2181", "[fd00::1]", "[]:1", "a b:1"])(
  "%j is refused with an example of what is right",
  (address) => {
    expect(() => createServers([address], first)).toThrow(
      expect.objectContaining({ code: "ZK_SERVERS", hint: expect.stringContaining("[fd00::1]:2181") }),
    );
  },
);

test("an empty list is refused", () => {
  expect(() => createServers([], first)).toThrow(expect.objectContaining({ code: "ZK_SERVERS" }));
});

test("every round tries each server once, in the same order", () => {
  const addresses = ["a:1", "b:1", "c:1", "d:1"];
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (chances) => {
      const servers = createServers(addresses, () => chances.next().value ?? 0);
      const round = () => addresses.map(() => servers.next().address);
      const once = round();
      expect([...once].sort()).toEqual(addresses);
      expect(round()).toEqual(once);
    }),
  );
});

test("each order of the servers is equally likely", () => {
  const halves = [0, 0.5];
  const thirds = [0, 0.34, 0.67];
  const orders = halves.flatMap((half) =>
    thirds.map((third) => {
      const chances = [0, half, third];
      const servers = createServers(["a:1", "b:1", "c:1"], () => chances.shift() ?? 0);
      return [1, 2, 3].map(() => servers.next().host).join("");
    }),
  );
  expect(orders.sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
});
