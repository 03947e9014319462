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

function patternOf(glob: string): RegExp {
  const parts = glob.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
