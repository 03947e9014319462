import { describe, expect, test } from "vitest";
import { cidrOf, createNetworks, hostOf, isCidr } from "./cidr.ts";

describe("a network", () => {
  test.each(["10.1.0.0/16", "10.1.0.7/32", "0.0.0.0/0", "fd00::/8", "::1/128", "::/0"])("can be %s", (text) => {
    expect(isCidr(text)).toBe(true);
  });

  test.each([
    "",
    "10.1.0.0",
    "10.1/16",
    "10.1.0.0/33",
    "10.1.0.0/-1",
    "::/129",
    "host/8",
    "010.1.0.0/16",
    "fe80::1%eth0/64",
  ])("cannot be %j", (text) => {
    expect(isCidr(text)).toBe(false);
    expect(createNetworks([text])("10.1.0.7")).toBe(false);
  });
});

test.each([
  ["10.1.0.4", "10.1.0.4/32"],
  ["fd00::1", "fd00::1/128"],
  ["10.1.7.0/24", "10.1.7.0/24"],
  ["fd00::/8", "fd00::/8"],
  ["host-7", undefined],
  ["10.1.0.4/33", undefined],
  ["fe80::1%eth0", undefined],
  ["", undefined],
])("%j is the network %j", (text, cidr) => {
  expect(cidrOf(text)).toBe(cidr);
});

describe("a host", () => {
  const inside = createNetworks(["10.1.0.0/16", "10.3.0.7/32", "fd00:1::/32"]);

  test.each(["10.1.0.0", "10.1.255.255", "10.3.0.7", "fd00:1::7", "FD00:1:0::7", "::ffff:10.1.0.7"])(
    "%s is inside",
    (host) => {
      expect(inside(host)).toBe(true);
    },
  );

  test.each(["10.0.255.255", "10.2.0.0", "10.3.0.8", "fd00:2::7", "::ffff:10.2.0.7", "broker-a", "", "10.1.0"])(
    "%j is outside",
    (host) => {
      expect(inside(host)).toBe(false);
    },
  );

  test.each([
    ["10.1.0.7:9876", "10.1.0.7"],
    ["[fd00::7]:9876", "fd00::7"],
    ["broker-a:10911", "broker-a"],
    ["", ""],
    ["nonsense", ""],
  ])("of %j is %j", (address, host) => {
    expect(hostOf(address)).toBe(host);
  });
});
