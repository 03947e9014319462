import { describe, expect, test } from "vitest";
import { createCallerIdcOf, createIdcOf, createOrderOf } from "./idc.ts";

const idcOf = createIdcOf([
  { name: "idc1", cidrs: ["10.1.0.0/16"], brokerNames: ["idc1-*"] },
  { name: "idc2", cidrs: ["10.2.0.0/16", "fd00:2::/32"], brokerNames: ["idc2-*", "*.two", "a+b"] },
  { name: "rest", cidrs: ["10.0.0.0/8"], brokerNames: [] },
]);

describe("the IDC of a broker", () => {
  test.each([
    ["10.1.0.7:10911", "bs1", "idc1"],
    ["10.2.0.7:10911", "bs1", "idc2"],
    ["[fd00:2::7]:10911", "bs1", "idc2"],
    ["10.9.0.7:10911", "bs1", "rest"],
    ["192.168.0.7:10911", "bs1", ""],
    ["host:10911", "bs1", ""],
    ["", "", ""],
  ])("at %j with the name %j follows from the address: %j", (address, name, idc) => {
    expect(idcOf(address, name)).toBe(idc);
  });

  test.each([
    ["idc1-bs1", "idc1"],
    ["idc1-", "idc1"],
    ["xidc1-bs1", ""],
    ["bs.two", "idc2"],
    ["bsxtwo", ""],
    ["a+b", "idc2"],
    ["aab", ""],
  ])("with the name %j follows from it: %j", (name, idc) => {
    expect(idcOf("host:10911", name)).toBe(idc);
  });

  test("is the first row that either of them matches", () => {
    expect(idcOf("10.2.0.7:10911", "idc1-bs1")).toBe("idc1");
    expect(idcOf("10.9.0.7:10911", "idc2-bs1")).toBe("idc2");
  });
});

describe("a caller", () => {
  const rows = [
    { name: "idc1", cidrs: ["10.1.0.0/16"], brokerNames: ["*"] },
    { name: "idc2", cidrs: ["10.2.0.0/16"], brokerNames: [] },
  ];

  test.each([
    ["10.1.2.3:5", "idc1"],
    ["[::ffff:10.2.0.9]:5", "idc2"],
    ["10.9.0.1:5", ""],
  ])("at %s is of %j, by its network alone", (address, idc) => {
    expect(createCallerIdcOf(rows)(address)).toBe(idc);
  });

  test.each([
    ["idc1", ["idc1", "idc3", "idc2"]],
    ["idc2", ["idc2", "idc1", "idc3"]],
    ["", ["idc1", "idc2", "idc3"]],
    ["idc9", ["idc9", "idc1", "idc2", "idc3"]],
  ])("of %j has its own IDC nearest, then as told, then the rest", (idc, order) => {
    const all = [{ name: "idc1" }, { name: "idc2" }, { name: "idc3" }];
    expect(createOrderOf(all, { idc1: ["idc3"] })(idc)).toEqual(order);
  });
});
