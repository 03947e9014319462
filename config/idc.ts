import { createNetworks, hostOf } from "#lib/cidr.ts";

/** How an address or a broker's name tells its IDC: a row of `idcs`. */
export interface IdcRow {
  readonly name: string;
  readonly cidrs: readonly string[];
  /** `*` stands for anything. */
  readonly brokerNames: readonly string[];
}

/** @returns the IDC of a broker: the first row that its address or its name matches; "" when none does */
export function createIdcOf(rows: readonly IdcRow[]): (address: string, brokerName: string) => string {
  const ready = rows.map(({ name, cidrs, brokerNames }) => ({
    name,
    inNetworks: createNetworks(cidrs),
    patterns: brokerNames.map(patternOf),
  }));
  return (address, brokerName) => {
    const host = hostOf(address);
    const row = ready.find(
      ({ inNetworks, patterns }) => inNetworks(host) || patterns.some((pattern) => pattern.test(brokerName)),
    );
    return row?.name ?? "";
  };
}

/** @returns the IDC of a client: the first row whose networks its address lies in; "" when none does */
export function createCallerIdcOf(rows: readonly IdcRow[]): (address: string) => string {
  const ofAddress = createIdcOf(rows.map((row) => ({ ...row, brokerNames: [] })));
  return (address) => ofAddress(address, "");
}

/** The IDCs as they are near to one: itself, then as `near` says, then in the order of `rows`. */
export function createOrderOf(
  rows: readonly { readonly name: string }[],
  near: Readonly<Record<string, readonly string[]>>,
): (idc: string) => readonly string[] {
  const orders = new Map<string, readonly string[]>();
  return (idc) => {
    const known = orders.get(idc);
    if (known !== undefined) return known;
    const order = [...new Set([idc, ...(near[idc] ?? []), ...rows.map(({ name }) => name)])].filter(
      (name) => name !== "",
    );
    // Only names of the config are kept: callers may send any.
    if (rows.some(({ name }) => name === idc)) orders.set(idc, order);
    return order;
  };
}

function patternOf(glob: string): RegExp {
  const parts = glob.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
